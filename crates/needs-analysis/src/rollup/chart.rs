//! Charts drawn on the server: pure functions from numbers to inline SVG.
//!
//! Lengths along the width are percentages and everything else is pixels, so that one drawing fits a
//! telephone and a desk without its words shrinking. Every value stands beside its mark as a number:
//! nothing is told by colour alone, and a greyscale print says as much as the screen. There are only
//! presentation attributes, since the content security policy allows no inline style.

use maud::{Markup, html};

/// The words around a drawing.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// The drawing's id in its page.
    pub id: &'a str,
    pub title: &'a str,
    /// The description, as a sentence for people who cannot see the drawing.
    pub desc: &'a str,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// The thing that is counted.
    pub label: String,
    pub value: i64,
}

/// One point of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The day or month, as it is shown.
    pub label: String,
    pub value: i64,
}

const INK: &str = "var(--accent, currentColor)";
const FONT: &str = "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif";
const TEXT_PX: u32 = 16;
const ROW_PX: usize = 44;
/// Wider labels are cut; a Chinese character is two columns wide.
const LABEL_COLUMNS_MAX: usize = 28;
/// Dates that a telephone's width holds beside each other: short ones, and those with a year.
const TICKS_MAX: usize = 5;
const TICKS_LONG_MAX: usize = 3;
const TICK_SHORT_CHARS_MAX: usize = 5;
const VALUES_ALL_MAX: usize = 8;
const DOTS_MAX: usize = 31;
const PLOT_TOP_PX: f64 = 28.0;
const PLOT_HEIGHT_PX: f64 = 150.0;
/// Two numbers nearer than this would print over each other on a telephone.
const NEAR_PERCENT: f64 = 14.0;

/// Horizontal bars, one a row, each under its label with its number at the right end.
pub fn bars(words: &Words<'_>, rows: &[Bar]) -> Markup {
    let top = rows.iter().map(|b| b.value).max().unwrap_or(0).max(1);
    drawing(
        words,
        rows.len() * ROW_PX,
        &html! {
            @for (i, bar) in rows.iter().enumerate() {
                g {
                    title { (bar.label) ": " (bar.value) }
                    text x="0" y=(i * ROW_PX + 18) { (short(&bar.label)) }
                    text x="100%" y=(i * ROW_PX + 18) text-anchor="end" font-weight="600" { (bar.value) }
                    rect x="0" y=(i * ROW_PX + 25) width="100%" height="10" rx="2" fill="currentColor" fill-opacity="0.12" {}
                    @if bar.value > 0 {
                        rect x="0" y=(i * ROW_PX + 25) width=(percent(share(bar.value, top) * 100.0)) height="10" rx="2" fill=(INK) {}
                    }
                }
            }
        },
    )
}

/// A line through points at equal distances, from zero up.
pub fn line(words: &Words<'_>, points: &[Point]) -> Markup {
    let top = points.iter().map(|p| p.value).max().unwrap_or(0).max(1);
    let x = |i: usize| across(i, points.len());
    let y = |v: i64| PLOT_TOP_PX + PLOT_HEIGHT_PX * (1.0 - share(v, top));
    let path: Vec<String> = points
        .iter()
        .enumerate()
        .map(|(i, p)| format!("{:.2},{:.2}", x(i), 100.0 * (1.0 - share(p.value, top))))
        .collect();
    let base = PLOT_TOP_PX + PLOT_HEIGHT_PX;
    let named = named_values(points);
    drawing(
        words,
        210,
        &html! {
            line x1="0" x2="100%" y1=(px(base)) y2=(px(base)) stroke="currentColor" stroke-opacity="0.5" {}
            line x1="0" x2="100%" y1=(px(PLOT_TOP_PX)) y2=(px(PLOT_TOP_PX)) stroke="currentColor" stroke-opacity="0.2" stroke-dasharray="4 4" {}
            svg x="0" y=(px(PLOT_TOP_PX)) width="100%" height=(px(PLOT_HEIGHT_PX)) viewBox="0 0 100 100" preserveAspectRatio="none" overflow="visible" {
                polyline points=(path.join(" ")) fill="none" stroke=(INK) stroke-width="2" stroke-linejoin="round" vector-effect="non-scaling-stroke" {}
            }
            @for (i, p) in points.iter().enumerate() {
                @if points.len() <= DOTS_MAX || named.contains(&i) {
                    circle cx=(percent(x(i))) cy=(px(y(p.value))) r="3.5" fill=(INK) { title { (p.label) ": " (p.value) } }
                }
                @if named.contains(&i) {
                    text x=(percent(x(i))) y=(px(y(p.value) - 9.0)) text-anchor=(anchor(i, points.len())) font-weight="600" { (p.value) }
                }
            }
            @for i in ticks(points) {
                text x=(percent(x(i))) y=(px(base + 22.0)) text-anchor=(anchor(i, points.len())) { (points[i].label) }
            }
        },
    )
}

fn drawing(words: &Words<'_>, height: usize, body: &Markup) -> Markup {
    let (title, desc) = (format!("{}-title", words.id), format!("{}-desc", words.id));
    html! {
        svg.chart id=(words.id) xmlns="http://www.w3.org/2000/svg" width="100%" height=(height) role="img"
            aria-labelledby=(title) aria-describedby=(desc) font-family=(FONT) font-size=(TEXT_PX) fill="currentColor" {
            title id=(title) { (words.title) }
            desc id=(desc) { (words.desc) }
            (body)
        }
    }
}

/// A negative count is a defect that `verify` finds; it is drawn as nothing.
#[expect(clippy::cast_precision_loss, reason = "a share in a drawing; counts stay far below 2^52")]
fn share(value: i64, top: i64) -> f64 {
    value.max(0) as f64 / top as f64
}

/// Where point `i` of `n` stands, with room for half a dot at both ends.
#[expect(clippy::cast_precision_loss, reason = "a place in a drawing")]
fn across(i: usize, n: usize) -> f64 {
    if n < 2 { 50.0 } else { 2.0 + 96.0 * i as f64 / (n - 1) as f64 }
}

fn anchor(i: usize, n: usize) -> &'static str {
    match i {
        _ if n < 2 => "middle",
        0 => "start",
        _ if i + 1 == n => "end",
        _ => "middle",
    }
}

/// Which points carry their number: all of a few; of many the highest, and the ends if not too near to it.
fn named_values(points: &[Point]) -> Vec<usize> {
    let n = points.len();
    if n <= VALUES_ALL_MAX {
        return (0..n).collect();
    }
    let top = (0..n).rev().max_by_key(|&i| points[i].value).unwrap_or(0);
    let far = |i: &usize| (across(*i, n) - across(top, n)).abs() >= NEAR_PERCENT;
    let mut named: Vec<usize> = [0, n - 1].into_iter().filter(far).chain([top]).collect();
    named.sort_unstable();
    named
}

/// Which points carry their date: as many as there is room for, evenly spread, both ends among them.
fn ticks(points: &[Point]) -> Vec<usize> {
    let n = points.len();
    let long = points.iter().any(|p| p.label.chars().count() > TICK_SHORT_CHARS_MAX);
    let most = if long { TICKS_LONG_MAX } else { TICKS_MAX };
    if n <= most {
        return (0..n).collect();
    }
    (0..most).map(|k| k * (n - 1) / (most - 1)).collect()
}

fn short(label: &str) -> String {
    let width = |c: char| if c.is_ascii() { 1 } else { 2 };
    if label.chars().map(width).sum::<usize>() <= LABEL_COLUMNS_MAX {
        return label.to_owned();
    }
    let mut used = 2;
    let kept = label.chars().take_while(|c| {
        used += width(*c);
        used <= LABEL_COLUMNS_MAX
    });
    kept.chain(['…']).collect()
}

fn percent(value: f64) -> String {
    format!("{value:.2}%")
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Words<'_> = Words { id: "c", title: "按类别", desc: "助餐最多" };

    fn bar(label: &str, value: i64) -> Bar {
        Bar { label: label.into(), value }
    }

    fn points(values: &[i64]) -> Vec<Point> {
        values.iter().enumerate().map(|(i, v)| Point { label: format!("{}月", i + 1), value: *v }).collect()
    }

    #[test]
    fn bars_are_drawn_to_the_longest() {
        insta::assert_snapshot!(
            bars(&WORDS, &[bar("助餐", 40), bar("助浴", 10), bar("助医", 0)]).0.replace("><", ">\n<")
        );
    }

    #[test]
    fn a_line_is_drawn_from_zero() {
        insta::assert_snapshot!(line(&WORDS, &points(&[3, 0, 6])).0.replace("><", ">\n<"));
    }

    #[test]
    fn labels_are_escaped_and_nothing_is_styled_inline() {
        let drawn = bars(&WORDS, &[bar("<script>alert(1)</script>\"", 1)]).0 + &line(&WORDS, &points(&[1])).0;
        assert!(!drawn.contains("<script"), "{drawn}");
        assert!(!drawn.contains("style="), "{drawn}");
    }

    #[test]
    fn every_bar_carries_its_number_even_when_it_has_no_length() {
        let drawn = bars(&WORDS, &[bar("甲", 0), bar("乙", 0)]).0;
        assert_eq!(drawn.matches(">0</text>").count(), 2);
        assert!(!drawn.contains("NaN"));
        assert!(!line(&WORDS, &[]).0.contains("NaN"));
    }

    #[test]
    fn a_long_label_is_cut_but_told_in_full() {
        let long = "海天雕塑公园东侧临时安置小区第十七网格";
        let drawn = bars(&WORDS, &[bar(long, 3)]).0;
        assert!(drawn.contains(&format!("<title>{long}: 3</title>")));
        assert!(drawn.contains("海天雕塑公园东侧临时安置小…"));
    }

    #[test]
    fn of_many_points_the_highest_is_named_and_dates_are_few() {
        let mut values = vec![1; 60];
        values[30] = 9;
        let many = points(&values);
        assert_eq!(named_values(&many), [0, 30, 59]);
        assert_eq!(ticks(&many), [0, 14, 29, 44, 59]);
        let years: Vec<Point> = (1..=12).map(|m| Point { label: format!("2026-{m:02}"), value: m }).collect();
        assert_eq!(ticks(&years), [0, 5, 11], "dates with a year are wider");
        values[30] = 1;
        values[58] = 9;
        assert_eq!(named_values(&points(&values)), [0, 58], "the end is too near to the highest");
    }
}
