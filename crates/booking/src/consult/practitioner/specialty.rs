//! The specialties that a page offers by name: the departments that care homes ask for, of the national list of
//! departments (医疗机构诊疗科目名录). A hospital may register others by the API.

/// A specialty: its code, its name in Chinese, its name in English.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Specialty {
    pub code: &'static str,
    pub zh: &'static str,
    pub en: &'static str,
}

const fn of(code: &'static str, zh: &'static str, en: &'static str) -> Specialty {
    Specialty { code, zh, en }
}

/// All of them, in the order in which they are offered.
pub const ALL: [Specialty; 28] = [
    of("geriatrics", "老年医学科", "Geriatrics"),
    of("general_practice", "全科医疗科", "General practice"),
    of("cardiology", "心血管内科", "Cardiology"),
    of("neurology", "神经内科", "Neurology"),
    of("respiratory", "呼吸内科", "Respiratory medicine"),
    of("gastroenterology", "消化内科", "Gastroenterology"),
    of("endocrinology", "内分泌科", "Endocrinology"),
    of("nephrology", "肾内科", "Nephrology"),
    of("haematology", "血液内科", "Haematology"),
    of("rheumatology", "风湿免疫科", "Rheumatology"),
    of("infectious_diseases", "感染科", "Infectious diseases"),
    of("oncology", "肿瘤科", "Oncology"),
    of("psychiatry", "精神科", "Psychiatry"),
    of("rehabilitation", "康复医学科", "Rehabilitation"),
    of("dermatology", "皮肤科", "Dermatology"),
    of("general_surgery", "普通外科", "General surgery"),
    of("orthopaedics", "骨科", "Orthopaedics"),
    of("neurosurgery", "神经外科", "Neurosurgery"),
    of("urology", "泌尿外科", "Urology"),
    of("vascular_surgery", "血管外科", "Vascular surgery"),
    of("gynaecology", "妇科", "Gynaecology"),
    of("ophthalmology", "眼科", "Ophthalmology"),
    of("otolaryngology", "耳鼻咽喉科", "Otolaryngology"),
    of("stomatology", "口腔科", "Dentistry"),
    of("pain", "疼痛科", "Pain medicine"),
    of("palliative_care", "临终关怀科", "Palliative care"),
    of("nutrition", "临床营养科", "Clinical nutrition"),
    of("traditional_medicine", "中医科", "Traditional Chinese medicine"),
];

/// The specialty of a code.
pub fn find(code: &str) -> Option<Specialty> {
    ALL.into_iter().find(|specialty| specialty.code == code)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_a_code_and_names_of_its_own() {
        for part in [ALL.map(|s| s.code), ALL.map(|s| s.zh), ALL.map(|s| s.en)] {
            assert_eq!(part.iter().collect::<BTreeSet<_>>().len(), ALL.len());
        }
        assert!(ALL.iter().all(|s| s.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
        assert_eq!(find("cardiology").map(|s| s.zh), Some("心血管内科"));
        assert_eq!(find("alchemy"), None);
    }
}
