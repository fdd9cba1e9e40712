//! The categories of a request: the table of home-care categories, with the words by which files name them.

use sanbao_platform::text_enum;

/// The version of the table below; grows when a code is added or changes its meaning.
pub const TABLE_VERSION: u32 = 1;

text_enum! {
    /// A category of home care.
    pub enum Category {
        /// 助餐
        Meal = "meal",
        /// 助洁
        Clean = "clean",
        /// 助浴
        Bath = "bath",
        /// 助行
        Mobility = "mobility",
        /// 助医
        Medical = "medical",
        /// 助急
        Emergency = "emergency",
        /// 助购/代办
        Shopping = "shopping",
        /// 助护/康复护理
        Nursing = "nursing",
        /// 探访关爱
        Visit = "visit",
        /// 精神慰藉
        Comfort = "comfort",
        /// 文体
        Leisure = "leisure",
        /// 适老化改造/维修
        Adapt = "adapt",
        /// 远程会诊
        Teleconsult = "teleconsult",
        /// 咨询
        Info = "info",
        /// 投诉
        Complaint = "complaint",
        /// Anything else; the words of the request are kept.
        Other = "other",
    }
}

/// The words by which files name a category beside its code, by [`Category::ALL`]'s order.
const TABLE: [(Category, &[&str]); 16] = [
    (Category::Meal, &["助餐", "Meals", "送餐", "配餐"]),
    (Category::Clean, &["助洁", "Cleaning", "保洁", "打扫"]),
    (Category::Bath, &["助浴", "Bathing", "洗澡"]),
    (Category::Mobility, &["助行", "Getting about", "陪同出行", "escort"]),
    (Category::Medical, &["助医", "Doctor's visits", "陪诊", "陪医", "就医"]),
    (Category::Emergency, &["助急", "Emergency help", "急救", "紧急救助"]),
    (Category::Shopping, &["助购代办", "Shopping and errands", "助购", "代购", "代办", "助购/代办", "errands"]),
    (Category::Nursing, &["康复护理", "助护", "护理", "康复", "助护/康复护理"]),
    (Category::Visit, &["探访关爱", "Friendly visits", "探访", "关爱探访"]),
    (Category::Comfort, &["精神慰藉", "Company and comfort", "助聊", "陪聊", "心理"]),
    (Category::Leisure, &["文体", "助乐", "助学", "文娱"]),
    (Category::Adapt, &["适老化改造", "Home adaptation and repair", "维修", "改造", "适老化改造/维修"]),
    (Category::Teleconsult, &["远程会诊", "Tele-consult", "会诊"]),
    (Category::Info, &["咨询", "Questions", "询问"]),
    (Category::Complaint, &["投诉", "意见", "complaints"]),
    (Category::Other, &["其他", "其它"]),
];

impl Category {
    /// The category that a word of a file or a caller means; `None` when the table has none, and
    /// then the request is [`Category::Other`] with its words kept.
    pub fn from_words(words: &str) -> Option<Self> {
        let words = words.trim();
        let same = |text: &str| text.eq_ignore_ascii_case(words);
        TABLE
            .iter()
            .find(|(category, words)| same(category.as_str()) || words.iter().any(|word| same(word)))
            .map(|row| row.0)
    }
}

text_enum! {
    /// How soon help is wanted, the most urgent first.
    pub enum Urgency {
        /// 紧急: at once.
        Emergency = "emergency",
        /// 加急: today.
        Urgent = "urgent",
        /// 普通: within days.
        Normal = "normal",
    }
}

impl Urgency {
    /// The urgency that a word means.
    pub fn from_words(words: &str) -> Option<Self> {
        match words.trim().to_lowercase().as_str() {
            "emergency" | "紧急" | "特急" => Some(Self::Emergency),
            "urgent" | "加急" | "急" => Some(Self::Urgent),
            "normal" | "普通" | "一般" | "" => Some(Self::Normal),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use sanbao_platform::lang::Lang;

    use super::*;
    use crate::texts;

    #[test]
    fn a_category_is_read_by_its_code_and_by_the_words_of_the_pages() {
        for (i, category) in Category::ALL.iter().copied().enumerate() {
            assert_eq!(TABLE[i].0, category);
            let said = [Lang::Zh, Lang::En].map(|lang| texts::category(lang, category));
            for words in [category.as_str(), &category.as_str().to_uppercase(), &said[0], &said[1]] {
                assert_eq!(Category::from_words(words), Some(category), "{words}");
            }
        }
        assert_eq!(Category::from_words(" 送餐 "), Some(Category::Meal));
        assert_eq!(Category::from_words("遛狗"), None);
    }

    #[test]
    fn an_urgency_is_read_by_its_code_and_by_the_words_of_the_pages() {
        for urgency in Urgency::ALL.iter().copied() {
            let said = [Lang::Zh, Lang::En].map(|lang| texts::urgency(lang, urgency));
            for words in [urgency.as_str(), &said[0], &said[1]] {
                assert_eq!(Urgency::from_words(words), Some(urgency), "{words}");
            }
        }
        assert_eq!(Urgency::from_words("马上"), None);
    }
}
