//! The kinds of problem that consults add to the platform's.

use sanbao_platform::problem_kinds;

problem_kinds! {
    CONSENT_MISSING = 409 "consent-missing" "还没有登记老人或监护人的同意，不能进入会诊室" "No consent of the resident or guardian is recorded, so nobody may enter the room";
    NOT_BEGUN = 409 "not-begun" "还没有到约定的时间" "The booked time has not come yet";
    BEGUN = 409 "begun" "约定的时间已经开始，不能再对调" "The booked time has begun, so it is not exchanged any more";
    DELAY_OF_OTHERS = 409 "delay-of-others" "这次推迟是对方通知的，请先与对方商定再改短" "The other side has announced this delay; agree with them before it is shortened";
    NOT_AT_ONCE = 409 "not-at-once" "这个会诊是按协议直接约定的，医院还没有答复过；改后的时间或医生要等医院答复。请取消后重新申请，或请医院改约" "This consult was booked at once by agreement and no doctor has answered it; this time or doctor needs the hospital's answer. Cancel it and ask anew, or let the hospital move it";
    NO_ROOM_FREE = 409 "no-room-free" "这个时间没有空闲的会诊室，请另选时间" "No room is free at this time; choose another";
    TOO_MANY_HELD = 409 "too-many-held" "本机构占用、尚未答复的时间已到上限，请等医院答复或放开一些" "Your organisation holds as many times as it may; wait for answers, or give some back";
    TOO_MANY_DRAFTS = 409 "too-many-drafts" "草稿已到上限，请先发出或删除一些" "There are as many drafts as there may be; send or discard some";
    DOCTOR_GONE = 409 "doctor-gone" "这位医生已不在受邀医院出诊" "The doctor no longer sees patients for the invited hospital";
    PAPER_NOT_READY = 409 "paper-not-ready" "这份单据现在还不能打印：申请单要先发给医院，意见书要先签署" "This document cannot be printed yet: an invitation has to be sent first, and an opinion signed";
    NOTICE_TOO_SHORT = 409 "notice-too-short" "这位医生要提前更久预约，请选更晚的时间" "This doctor is booked with more notice; choose a later time";
    TOO_CLOSE = 409 "too-close" "离医生的另一场会诊太近，中间要留准备时间" "Too close to another consult of the doctor: there must be time to prepare";
    DAY_FULL = 409 "day-full" "医生这一天的会诊已满，请选另一天" "The doctor's consults of that day are all taken; choose another day";
    SESSION_FULL = 409 "session-full" "医生这个时段的会诊已满，请选另一个时段" "The doctor's consults of that session are all taken; choose another one";
    TICKET_WINDOW = 409 "ticket-window" "现在不是进入会诊室的时间" "The room is not open now";
}
