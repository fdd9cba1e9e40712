//! The kinds of problem that accounts and people add to the platform's.

use sanbao_platform::problem_kinds;

problem_kinds! {
    INVALID_CREDENTIALS = 401 "invalid-credentials" "用户名或密码不对" "The user name or password is wrong";
    ACCOUNT_DISABLED = 403 "account-disabled" "账号已停用，请联系管理员" "The account is disabled; ask your administrator";
    ORGANISATION_CLOSED = 403 "organisation-closed" "您的机构已停止使用本系统，请联系街道办事处" "Your organisation no longer takes part; ask the street office";
    REFRESH_INVALID = 401 "refresh-token-invalid" "登录已过期，请重新登录" "The log-in has ended; log in again";
    REFRESH_REUSED = 401 "refresh-token-reused" "登录凭证被重复使用，已全部作废，请重新登录" "A used refresh token came again; the whole log-in was ended";
    PIN_REFUSED = 401 "pin-refused" "PIN 不对" "The PIN is wrong";
    PIN_UNAVAILABLE = 401 "pin-unavailable" "这台设备上请用密码登录" "Log in with your password on this device";
    PROOF_REFUSED = 403 "proof-refused" "密码、PIN 或验证码不对" "The password, PIN or code is wrong";
    FACTOR_REQUIRED = 401 "second-factor-required" "密码正确，还需要验证码" "The password is right; the code is needed too";
    FACTOR_REFUSED = 401 "second-factor-refused" "验证码不对或已用过" "The code is wrong or was used before";
    CHALLENGE_SPENT = 401 "second-factor-expired" "等待验证码的时间已过，请重新输入密码" "The time for the code is over; give your password again";
    LINK_SPENT = 410 "setup-link-spent" "设置链接无效、已使用或已过期" "The set-up link is unknown, used or too old";
    OFFER_SPENT = 410 "offer-spent" "邀请链接无效、已答复或已过期，请对方重新发一个" "The offer's link is unknown, answered or too old; ask for another";
    ALREADY_MEMBER = 409 "already-member" "您已经在这个机构" "You are of this organisation already";
    TOO_FEW_ADMINISTRATORS = 409 "too-few-administrators" "双人复核至少要有两位在用的管理员。请先增加管理员，或先结束双人复核" "Dual control needs two active administrators: add one first, or end dual control";
    LOGIN_TAKEN = 409 "login-taken" "这个用户名已有人用" "This user name is taken";
    NATIONAL_ID_UNREADABLE = 409 "national-id-unreadable" "存着的身份证号无法读取，请重新登记" "The stored national id cannot be read; enter it again";
    CARE_UNREADABLE = 409 "care-unreadable" "存着的照护信息无法读取" "The stored care facts cannot be read";
    NATIONAL_ID_TAKEN = 409 "national-id-taken" "这个身份证号已登记" "This national id is registered already";
    PERSON_ENDED = 409 "person-ended" "本人已登记为去世或离开，不能再有新的安排。如有登记错误，请先撤销" "This person is recorded as having died or left, so nothing new can be arranged; take that back first if it is wrong";
    ALREADY_JOINED = 409 "already-joined" "这份记录已合并到别的记录" "This record went into another already";
    PAPERS_DIFFER = 409 "papers-differ" "两份记录的证件号不同，是两个人。如有登记错误，请先更正" "The papers of the two differ, so they are two people; correct a wrong one first";
    SHARING_WITHDRAWN = 409 "sharing-withdrawn" "本人或监护人撤回了对此的同意。再次同意并登记后才能继续" "The consent to this was withdrawn; it needs another one, written down, to go on";
    TRANSFER_ASKED = 409 "transfer-asked" "已经申请过移交，请等对方答复，或先撤回" "This person is asked for already; wait for the answer, or take it back first";
    AREA_WITHOUT_OFFICE = 409 "area-without-office" "这个区域不属于网络里的任何街道，登记在这里就没有人能看到。请核对区域，或请街道先加入" "No street office of the network has this area, so nobody would see the record there; look at the area again, or let its street take part first";
    PERSON_HELD = 409 "person-held" "这份资料已保全，保全解除之前不能抹除，也不能撤销合并" "A legal hold stands on this record: before it is lifted, nothing of it is erased and no join is undone";
    ALREADY_HELD = 409 "already-held" "本机构已对这份资料保全" "Your organisation holds this record already";
    HOLD_NOT_SET = 409 "hold-not-set" "本机构没有对这份资料保全" "Your organisation does not hold this record";
    PERSON_PRESENT = 409 "person-present" "本人还在册。请先登记去世或离开，再抹除" "This person is in the network; say first that they have died or left";
    PERSON_BUSY = 409 "person-busy" "还有未完成的会诊、上门或移交，完成之后才能抹除" "Consults, visits or transfers of this person are not done; erase when they are";
    PERSON_RETAINED = 409 "person-retained" "法律要求保存的资料还没有到期，不能抹除" "The law keeps papers of this person for longer; they cannot be erased yet";
    AFFILIATION_PROPOSED = 409 "affiliation-proposed" "两家之间已有一份协议在等答复，请先答复或撤回" "There is a proposal between the two already; answer it, or take it back, first";
    AFFILIATION_OVERLAPS = 409 "affiliation-overlaps" "两家之间在这段时间已有协议。请从它到期的第二天开始，或先结束它" "There is an agreement between the two for some of these days; begin on the day after its last, or end it first";
    AFFILIATION_OVER = 409 "affiliation-over" "这份协议的期限已过" "The last day of this agreement is over";
    PARTNER_CLOSED = 409 "partner-closed" "对方机构已停止使用本系统，这份协议不能再同意" "The other organisation no longer takes part, so this agreement cannot be agreed to any more";
    TOO_MANY_AFFILIATIONS = 409 "too-many-affiliations" "本机构提出、还没有答复的协议已到上限，请等对方答复，或撤回一些" "Your organisation has as many proposals without an answer as it may; wait for answers, or withdraw some";
    JOIN_FINAL = 409 "join-final" "合并已超过 30 天，不能再撤销" "The join is older than 30 days and cannot be undone any more";
}
