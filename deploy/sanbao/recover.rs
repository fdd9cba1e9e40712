//! `sanbao account recover LOGIN`: the way back in for an administrator who has nobody else to ask.

use std::io::{self, Write as _};

use sanbao_booking::account::recover::recover;
use sanbao_platform::auth::Passwords;
use sanbao_platform::clock::Clock;

use crate::cli_accounts::RecoverArgs;
use crate::command_error::CommandError;
use crate::role::Role;
use crate::stores::Stores;

/// Carries the command out, beside a running server or without one.
pub async fn run(args: &RecoverArgs) -> Result<(), CommandError> {
    let (storage, _) = args.store.storage()?;
    let stores = Stores::open(&storage, &[Role::Booking]).await?;
    let db = stores.of(Role::Booking)?;
    let recovered = recover(db, &Clock::system(), &Passwords::default(), &args.login).await;
    stores.close().await;
    let recovered = recovered.map_err(|problem| {
        CommandError::Service("recovering the account", problem.cause().unwrap_or(problem.kind().slug).to_owned())
    })?;
    let Some(link) = recovered else {
        return Err(CommandError::Refused("nobody who may log in has this name"));
    };
    let mut out = io::stdout().lock();
    let site = args.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
    writeln!(out, "第二重验证和密码已取消，登录已全部退出。请本人打开下面的链接设置密码（一次有效，7 天内）：")?;
    writeln!(out, "The second factor and the password are taken away, and every log-in has ended.")?;
    writeln!(out, "The owner opens this link and chooses a password (once, within 7 days):")?;
    writeln!(out, "\n  {site}{}\n", link.path)?;
    Ok(out.flush()?)
}
