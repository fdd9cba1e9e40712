//! A real browser on the week that a doctor paints: by keyboard, by dragging, and what is kept of it.

use crate::common::chromium::Browser;
use crate::common::process::Process;

const CELL: &str = "const cell = (day, minute) => document.querySelector(`.week-grid td[data-day=\"${day}\"][data-minute=\"${minute}\"]`);";
/// The rows of a weekday as `08:00-12:00`, as they are typed.
const ROWS: &str = "const rows = (weekday) => [...document.querySelectorAll(`.week-day[data-weekday=\"${weekday}\"] .week-row`)]
    .map((row) => [...row.querySelectorAll('input')].map((input) => input.value).join('-')).filter((text) => text !== '-').join(' ');";

impl Browser {
    async fn rows_of(&self, weekday: u32) -> String {
        let rows = self.run(&format!("{ROWS} return rows({weekday})")).await;
        rows.as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_is_painted_by_keyboard_and_by_dragging_and_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let demo = Process::demo(&dir.path().join("demo")).await;
    let browser = Browser::open(&demo.base).await;
    browser.log_in("doctor").await;
    browser.goto("/practitioners").await;
    browser.wait_for(".week-grid td[aria-selected]").await;
    assert_eq!(browser.rows_of(1).await, "08:00-12:00 13:30-23:00", "as the demo has it");
    // Space paints, and an arrow with Shift paints on.
    let keys = "const key = (key, shiftKey = false) =>
        document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, shiftKey, bubbles: true, cancelable: true }));
        cell(0, 720).focus(); key(' '); key('ArrowDown', true); key('ArrowRight');";
    browser.run(&format!("{CELL} {keys}")).await;
    assert_eq!(browser.rows_of(1).await, "08:00-13:00 13:30-23:00");
    assert_eq!(browser.run("return document.activeElement.dataset.day").await, "1", "arrows move");
    // Dragging over painted half hours wipes them.
    let drag = "const at = (td) => { td.scrollIntoView({ block: 'center' }); const box = td.getBoundingClientRect();
        return { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true, cancelable: true, pointerId: 1 }; };
        const from = cell(2, 480); from.dispatchEvent(new PointerEvent('pointerdown', at(from)));
        for (const to of [cell(2, 510), cell(3, 510)]) dispatchEvent(new PointerEvent('pointermove', at(to)));
        dispatchEvent(new PointerEvent('pointerup', { bubbles: true }));
        dispatchEvent(new PointerEvent('pointermove', at(cell(4, 510))));";
    browser.run(&format!("{CELL} {drag}")).await;
    assert_eq!(browser.rows_of(3).await, "09:00-12:00 13:30-23:00");
    assert_eq!(browser.rows_of(4).await, "08:00-08:30 09:00-12:00 13:30-23:00");
    assert_eq!(browser.rows_of(5).await, "08:00-12:00 13:30-23:00", "the finger is up");
    // Earlier hours are reached, and a row that is typed shows in the grid.
    browser.run("document.querySelector('#grid button').click()").await;
    browser.wait_for(".week-grid td[data-minute='240']").await;
    browser
        .run(
            "const [from, to] = [...document.querySelectorAll('.week-day[data-weekday=\"7\"] .week-row')].at(-1).querySelectorAll('input');
             from.value = '05:00'; to.value = '06:15'; to.dispatchEvent(new Event('input', { bubbles: true }))",
        )
        .await;
    let shown = format!("{CELL} return [cell(6, 300).ariaSelected, cell(6, 360).dataset.part].join()");
    assert_eq!(browser.run(&shown).await, "true,true");
    browser.run("window.confirm = () => true; document.querySelector('#week-form button[type=submit]').click()").await;
    browser.until("document.querySelector('.week-day[data-weekday=\"7\"] input')?.value === '05:00'").await;
    for (weekday, rows) in [
        (1, "08:00-13:00 13:30-23:00"),
        (2, "08:00-12:00 13:30-23:00"),
        (4, "08:00-08:30 09:00-12:00 13:30-23:00"),
        (7, "05:00-06:15 08:00-12:00 13:30-23:00"),
    ] {
        assert_eq!(browser.rows_of(weekday).await, rows, "{weekday}");
    }
    browser.close().await;
    assert!(demo.terminate().await.success());
}
