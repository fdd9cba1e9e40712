//! What a request is about: the table of home-care categories, with the words by which files name them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The version of the table below; grows when a code is added or changes its meaning.
pub const TABLE_VERSION: u32 = 1;

/// A category of home care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Category {
    /// 助餐.
    Meal,
    /// 助洁.
    Clean,
    /// 助浴.
    Bath,
    /// 助行.
    Mobility,
    /// 助医.
    Medical,
    /// 助急.
    Emergency,
    /// 助购/代办.
    Shopping,
    /// 助护/康复护理.
    Nursing,
    /// 探访关爱.
    Visit,
    /// 精神慰藉.
    Comfort,
    /// 文体.
    Leisure,
    /// 适老化改造/维修.
    Adapt,
    /// 远程会诊.
    Teleconsult,
    /// 咨询.
    Info,
    /// 投诉.
    Complaint,
    /// Anything else; the words of the request are kept.
    Other,
}

/// Code, Chinese, English, and further words that files use, by [`Category::ALL`]'s order.
const TABLE: [(Category, &str, &str, &str, &[&str]); 16] = [
    (Category::Meal, "meal", "助餐", "Meals", &["送餐", "配餐", "meals"]),
    (Category::Clean, "clean", "助洁", "Cleaning", &["保洁", "打扫", "cleaning"]),
    (Category::Bath, "bath", "助浴", "Bathing", &["洗澡", "bathing"]),
    (Category::Mobility, "mobility", "助行", "Getting about", &["陪同出行", "escort"]),
    (Category::Medical, "medical", "助医", "Doctor's visits", &["陪诊", "陪医", "就医"]),
    (Category::Emergency, "emergency", "助急", "Emergency help", &["急救", "紧急救助"]),
    (
        Category::Shopping,
        "shopping",
        "助购代办",
        "Shopping and errands",
        &["助购", "代购", "代办", "助购/代办", "errands"],
    ),
    (Category::Nursing, "nursing", "康复护理", "Nursing", &["助护", "护理", "康复", "助护/康复护理"]),
    (Category::Visit, "visit", "探访关爱", "Friendly visits", &["探访", "关爱探访"]),
    (Category::Comfort, "comfort", "精神慰藉", "Company and comfort", &["助聊", "陪聊", "心理"]),
    (Category::Leisure, "leisure", "文体", "Leisure", &["助乐", "助学", "文娱"]),
    (Category::Adapt, "adapt", "适老化改造", "Home adaptation and repair", &["维修", "改造", "适老化改造/维修"]),
    (Category::Teleconsult, "teleconsult", "远程会诊", "Tele-consult", &["会诊"]),
    (Category::Info, "info", "咨询", "Questions", &["询问"]),
    (Category::Complaint, "complaint", "投诉", "Complaint", &["意见", "complaints"]),
    (Category::Other, "other", "其他", "Other", &["其它"]),
];

impl Category {
    /// All, in the order of the table.
    pub const ALL: [Self; 16] = [
        Self::Meal,
        Self::Clean,
        Self::Bath,
        Self::Mobility,
        Self::Medical,
        Self::Emergency,
        Self::Shopping,
        Self::Nursing,
        Self::Visit,
        Self::Comfort,
        Self::Leisure,
        Self::Adapt,
        Self::Teleconsult,
        Self::Info,
        Self::Complaint,
        Self::Other,
    ];

    fn row(self) -> &'static (Self, &'static str, &'static str, &'static str, &'static [&'static str]) {
        &TABLE[self as usize]
    }

    /// Its stable code.
    pub fn code(self) -> &'static str {
        self.row().1
    }

    /// The Chinese word.
    pub fn zh(self) -> &'static str {
        self.row().2
    }

    /// The English word.
    pub fn en(self) -> &'static str {
        self.row().3
    }

    /// The category that a word of a file or a caller means; `None` when the table has none, and
    /// then the request is [`Category::Other`] with its words kept.
    pub fn from_words(words: &str) -> Option<Self> {
        let words = words.trim();
        let same = |text: &str| text.eq_ignore_ascii_case(words);
        TABLE
            .iter()
            .find(|(_, code, zh, en, more)| same(code) || same(zh) || same(en) || more.iter().any(|m| same(m)))
            .map(|row| row.0)
    }
}

/// How soon help is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Urgency {
    /// 紧急: at once.
    Emergency,
    /// 加急: today.
    Urgent,
    /// 普通: within days.
    Normal,
}

impl Urgency {
    /// All, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Emergency, Self::Urgent, Self::Normal];

    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Emergency => "emergency",
            Self::Urgent => "urgent",
            Self::Normal => "normal",
        }
    }

    /// The Chinese word.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Emergency => "紧急",
            Self::Urgent => "加急",
            Self::Normal => "普通",
        }
    }

    /// The English word.
    pub fn en(self) -> &'static str {
        match self {
            Self::Emergency => "Emergency",
            Self::Urgent => "Urgent",
            Self::Normal => "Normal",
        }
    }

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
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_its_codes_and_reads_its_own_words() {
        for (i, category) in Category::ALL.into_iter().enumerate() {
            assert_eq!(TABLE[i].0, category);
            assert_eq!(category as usize, i);
            assert_eq!(serde_json::to_value(category).ok(), Some(category.code().into()));
            for words in [category.code(), category.zh(), category.en(), &category.code().to_uppercase()] {
                assert_eq!(Category::from_words(words), Some(category), "{words}");
            }
        }
        assert_eq!(Category::from_words(" 送餐 "), Some(Category::Meal));
        assert_eq!(Category::from_words("遛狗"), None);
    }
}
