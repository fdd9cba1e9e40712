//! The skills of home care, and which of them a kind of help asks for.

use sanbao_platform::text_enum;

text_enum! {
    /// A skill of a caregiver.
    pub enum Skill {
        /// 生活照料
        PersonalCare = "personal_care",
        /// 助餐
        Meals = "meals",
        /// 助洁
        Cleaning = "cleaning",
        /// 助浴
        Bathing = "bathing",
        /// 医疗护理
        Nursing = "nursing",
        /// 康复训练
        Rehabilitation = "rehabilitation",
        /// 搬抬转移
        Lifting = "lifting",
        /// 失智照护
        DementiaCare = "dementia_care",
        /// 陪同出行、就医
        Accompaniment = "accompaniment",
        /// 陪伴、精神慰藉
        Companionship = "companionship",
        /// 代购代办
        Errands = "errands",
        /// 急救
        FirstAid = "first_aid",
    }
}

/// The skills of which a kind of help, a code of the category table, asks for one; none where it asks for nothing special.
pub fn asked(service_type: &str) -> &'static [Skill] {
    match service_type {
        "meal" => &[Skill::Meals],
        "clean" => &[Skill::Cleaning],
        "bath" => &[Skill::Bathing],
        "mobility" | "medical" => &[Skill::Accompaniment],
        "emergency" => &[Skill::FirstAid],
        "shopping" => &[Skill::Errands],
        "nursing" => &[Skill::Nursing, Skill::Rehabilitation],
        "comfort" => &[Skill::Companionship],
        _ => &[],
    }
}
