//! Everything that is said to people, in both languages. What stands in the configuration language
//! or in `ip`'s is the same in both.
use super::{Act, Cost, Note, Remark, Title, sync};
use crate::{config::rules::text::Language, ipvs::Step};

use Language::{Chinese, English};

/// What the whole is about.
pub(super) fn head(file: &str, daemon: bool, language: Language) -> String {
    match (language, daemon) {
        (English, true) => format!("{file} and the kernel; ldirector runs: what a reload changes"),
        (English, false) => {
            format!("{file} and the kernel; no ldirector runs: what a start changes")
        }
        (Chinese, true) => format!("{file} 与内核；ldirector 正在运行：重新加载会改变什么"),
        (Chinese, false) => format!("{file} 与内核；ldirector 未运行：启动会改变什么"),
    }
}

pub(super) fn title(title: &Title, language: Language) -> String {
    match (language, title) {
        (_, Title::Service(key)) => format!("virtual_server {key}"),
        (_, Title::Timeouts) => "lvs_timeouts".to_owned(),
        (_, Title::SyncDaemon) => "lvs_sync_daemon".to_owned(),
        (_, Title::Instance { name, state: Some(state) }) => {
            format!("vrrp_instance {name} ({state})")
        }
        (_, Title::Instance { name, state: None }) => format!("vrrp_instance {name}"),
        (English, Title::Statics) => "static addresses, routes and rules".to_owned(),
        (Chinese, Title::Statics) => "静态地址、路由和规则".to_owned(),
        (English, Title::Dropped) => "held, but no longer in the file".to_owned(),
        (Chinese, Title::Dropped) => "仍然持有，但文件中已没有".to_owned(),
    }
}

pub(super) fn remark(remark: &Remark, language: Language) -> String {
    match (language, remark) {
        (English, Remark::Down { checker, reason }) => {
            format!("down, by its checker {}", said(checker, reason))
        }
        (Chinese, Remark::Down { checker, reason }) => {
            format!("检查器判定为不可用：{}", said(checker, reason))
        }
        (English, Remark::Waits) => "absent until its alpha checker has passed".to_owned(),
        (Chinese, Remark::Waits) => "其 alpha 检查器通过之前不加入".to_owned(),
        (English, Remark::Weighs { configured }) => {
            format!("weight by its checker; the file has {configured}")
        }
        (Chinese, Remark::Weighs { configured }) => {
            format!("权重由检查器设定；文件中为 {configured}")
        }
        (English, Remark::Sorry) => "the quorum is lost: the sorry server serves".to_owned(),
        (Chinese, Remark::Sorry) => "未达到 quorum：由 sorry_server 提供服务".to_owned(),
        (English, Remark::NotHeld) => "not held: not master here".to_owned(),
        (Chinese, Remark::NotHeld) => "未持有：本机不是 MASTER".to_owned(),
        (English, Remark::Election) => "not held: the election decides".to_owned(),
        (Chinese, Remark::Election) => "未持有：由选举决定".to_owned(),
        (English, Remark::Leftover) => {
            "left from before: a start takes it away until the election is won".to_owned()
        }
        (Chinese, Remark::Leftover) => "之前遗留：启动时先移除，赢得选举后再添加".to_owned(),
        (English, Remark::Stray) => {
            "here although not master: a duplicate address; take it away with `ip`".to_owned()
        }
        (Chinese, Remark::Stray) => "不是 MASTER 却存在：地址重复；请用 `ip` 移除".to_owned(),
        (English, Remark::Lost) => {
            "taken away by somebody; ldirector puts it back by itself".to_owned()
        }
        (Chinese, Remark::Lost) => "被他人移除；ldirector 会自行恢复".to_owned(),
        (English, Remark::LostUntracked) => {
            "taken away by somebody, and marked no_track: put it back with `ip`, or restart"
                .to_owned()
        }
        (Chinese, Remark::LostUntracked) => {
            "被他人移除，且标有 no_track：请用 `ip` 恢复，或重新启动".to_owned()
        }
        (English, Remark::Stopped) => {
            "stopped by somebody: start it with `ipvsadm --start-daemon`, or restart".to_owned()
        }
        (Chinese, Remark::Stopped) => {
            "被他人停止：请用 `ipvsadm --start-daemon` 启动它，或重新启动".to_owned()
        }
        (English, Remark::LeadsElsewhere) => {
            "another route is in its place: delete that with `ip route`, then reload".to_owned()
        }
        (Chinese, Remark::LeadsElsewhere) => {
            "被另一条路由占用：请用 `ip route` 删除它，再重新加载".to_owned()
        }
    }
}

/// `TCP_CHECK: connection refused`.
fn said(checker: &str, reason: &str) -> String {
    if reason.is_empty() { checker.to_owned() } else { format!("{checker}: {reason}") }
}

pub(super) fn act(act: &Act, language: Language) -> String {
    match (language, act) {
        (_, Act::Ipvs(step)) => ipvs(step, language),
        (English, Act::Timeouts(_)) => "set lvs_timeouts".to_owned(),
        (Chinese, Act::Timeouts(_)) => "设置 lvs_timeouts".to_owned(),
        (English, Act::StopSync(role)) => format!("stop the {} sync daemon", sync::role(*role)),
        (Chinese, Act::StopSync(role)) => format!("停止 {} 同步守护进程", sync::role(*role)),
        (English, Act::StartSync(daemon)) => {
            format!("start the sync daemon {}", sync::text(daemon))
        }
        (Chinese, Act::StartSync(daemon)) => format!("启动同步守护进程 {}", sync::text(daemon)),
        (English, Act::Add(thing)) => format!("add {thing}"),
        (Chinese, Act::Add(thing)) => format!("添加 {thing}"),
        (English, Act::Remove(thing)) => format!("remove {thing}"),
        (Chinese, Act::Remove(thing)) => format!("移除 {thing}"),
    }
}

fn ipvs(step: &Step, language: Language) -> String {
    match (language, step) {
        (English, Step::AddService { key, .. }) => format!("add virtual_server {key}"),
        (Chinese, Step::AddService { key, .. }) => format!("添加 virtual_server {key}"),
        (English, Step::EditService { key, .. }) => format!("change virtual_server {key}"),
        (Chinese, Step::EditService { key, .. }) => format!("修改 virtual_server {key}"),
        (English, Step::DeleteService { key }) => format!("remove virtual_server {key}"),
        (Chinese, Step::DeleteService { key }) => format!("移除 virtual_server {key}"),
        (English, Step::AddDestination { service, at, destination }) => {
            format!("add {at} to {service}, weight {}", destination.weight)
        }
        (Chinese, Step::AddDestination { service, at, destination }) => {
            format!("向 {service} 添加 {at}，权重 {}", destination.weight)
        }
        (English, Step::EditDestination { service, at, destination }) => {
            format!("change {at} of {service}, weight {}", destination.weight)
        }
        (Chinese, Step::EditDestination { service, at, destination }) => {
            format!("修改 {service} 的 {at}，权重 {}", destination.weight)
        }
        (English, Step::DeleteDestination { service, at }) => format!("remove {at} from {service}"),
        (Chinese, Step::DeleteDestination { service, at }) => format!("从 {service} 移除 {at}"),
    }
}

/// Empty where it costs nothing.
pub(super) fn cost(cost: Cost, language: Language) -> String {
    match (language, cost) {
        (_, Cost::Nothing) => String::new(),
        (English, Cost::Drops(0)) => "drops connections (none now)".to_owned(),
        (English, Cost::Drops(1)) => "drops 1 connection".to_owned(),
        (English, Cost::Drops(count)) => format!("drops {count} connections"),
        (Chinese, Cost::Drops(0)) => "会断开连接（目前没有）".to_owned(),
        (Chinese, Cost::Drops(count)) => format!("会断开 {count} 个连接"),
        (English, Cost::Drains) => "connections go on, no new ones come".to_owned(),
        (Chinese, Cost::Drains) => "已有连接继续，不再接受新连接".to_owned(),
        (English, Cost::Address) => "drops the connections to this address".to_owned(),
        (Chinese, Cost::Address) => "会断开到此地址的连接".to_owned(),
        (English, Cost::Path) => "drops connections that have no other way".to_owned(),
        (Chinese, Cost::Path) => "没有其他路径的连接会断开".to_owned(),
    }
}

pub(super) fn note(note: &Note, language: Language) -> String {
    match (language, note) {
        (English, Note::NotLoaded) => {
            "ip_vs is not loaded, so its table is empty; a start loads it (by hand: `modprobe \
             ip_vs`)"
                .to_owned()
        }
        (Chinese, Note::NotLoaded) => {
            "ip_vs 未加载，所以表为空；启动时会加载（手动：`modprobe ip_vs`）".to_owned()
        }
        (English, Note::Daemon(text)) => format!("the daemon says: {text}"),
        (Chinese, Note::Daemon(text)) => format!("守护进程报告：{text}"),
        (English, Note::ForeignDaemon(text)) => {
            format!("a sync daemon runs that is not in the file: {text}")
        }
        (Chinese, Note::ForeignDaemon(text)) => {
            format!("有一个文件中没有的同步守护进程在运行：{text}")
        }
    }
}

pub(super) fn steps(daemon: bool, language: Language) -> &'static str {
    match (language, daemon) {
        (English, true) => "Steps of `ldirector reload`, in this order:",
        (English, false) => "Steps of a start, in this order:",
        (Chinese, true) => "`ldirector reload` 依次执行：",
        (Chinese, false) => "启动时依次执行：",
    }
}

pub(super) fn foreign(names: &str, count: usize, language: Language) -> String {
    match language {
        English => format!("Virtual servers of others, not touched: {count} ({names})"),
        Chinese => format!("不属于本程序，不会改动：{count} 个虚拟服务（{names}）"),
    }
}

/// The last line.
pub(super) fn sum(differences: usize, steps: usize, dropping: usize, language: Language) -> String {
    match (language, differences) {
        (English, 0) => "No difference: the kernel holds what the file says.".to_owned(),
        (Chinese, 0) => "没有差异：内核与文件一致。".to_owned(),
        (English, _) => format!(
            "Differences: {differences}. Steps: {steps}, of which {dropping} drop connections."
        ),
        (Chinese, _) => {
            format!("{differences} 处差异；{steps} 个步骤，其中 {dropping} 个会断开连接。")
        }
    }
}
