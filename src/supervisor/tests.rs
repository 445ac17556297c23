//! The parent's decisions, event by event.
use super::*;

fn both() -> Vec<Child> {
    vec![Child::Vrrp, Child::Checkers]
}

fn file(needs: &[Child]) -> Configuration {
    Configuration { needs: needs.to_vec(), ..Configuration::default() }
}

fn running() -> (Supervisor, Instant) {
    let now = Instant::now();
    let both = [Child::Vrrp, Child::Checkers];
    let mut parent = Supervisor::new(file(&both), &both, now);
    assert_eq!(
        parent.handle_deadline(now),
        [Action::Spawn(Child::Vrrp), Action::Spawn(Child::Checkers)]
    );
    for child in both {
        let sent = parent.handle(Event::Started(child), now);
        assert_eq!(sent, [Action::Send(child, ToChild::Configure(Arc::default()))]);
    }
    (parent, now)
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn a_child_that_dies_returns_at_once_and_then_ever_later() {
    let (mut parent, mut now) = running();
    for pause in [0, 1, 2, 4] {
        let said = parent.handle(Event::Exited(Child::Vrrp, "signal 9".to_owned()), now);
        assert!(
            matches!(&said[..], [Action::Log(Level::Error, text), _] if text.contains("signal 9"))
        );
        if pause > 0 {
            assert!(!parent.handle_deadline(now).contains(&Action::Spawn(Child::Vrrp)));
        }
        now += seconds(pause);
        assert!(parent.handle_deadline(now).contains(&Action::Spawn(Child::Vrrp)), "after {pause}");
    }
}

#[test]
fn a_silent_child_is_killed_and_a_speaking_one_is_not() {
    let (mut parent, mut now) = running();
    for _ in 0..20 {
        now += seconds(1);
        for action in parent.handle_deadline(now) {
            if let Action::Send(child, ToChild::Ping(number)) = action {
                let answer = Event::Message(child, ToParent::Pong(number));
                assert_eq!(parent.handle(answer, now), []);
            } else {
                panic!("{action:?}");
            }
        }
    }
    assert_eq!(killed_in_silence(&mut parent, now), [Child::Vrrp, Child::Checkers]);
}

/// Whom the parent kills while it hears nothing, second by second.
fn killed_in_silence(parent: &mut Supervisor, mut now: Instant) -> Vec<Child> {
    let silent_until = now + child::SILENCE;
    let mut killed = vec![];
    while now <= silent_until {
        now += seconds(1);
        for action in parent.handle_deadline(now) {
            match action {
                Action::Kill(child) => killed.push(child),
                Action::Send(_, ToChild::Ping(_)) | Action::Log(..) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    killed
}

#[test]
fn a_parent_that_did_not_run_itself_asks_before_it_kills() {
    let (mut parent, mut now) = running();
    now += 3 * child::SILENCE;
    let due = parent.handle_deadline(now);
    let pinged = |child| {
        due.iter()
            .any(|action| matches!(action, Action::Send(to, ToChild::Ping(_)) if *to == child))
    };
    assert!(pinged(Child::Vrrp) && pinged(Child::Checkers), "{due:?}");
    assert!(!due.iter().any(|action| matches!(action, Action::Kill(_))), "{due:?}");
    assert_eq!(killed_in_silence(&mut parent, now), [Child::Vrrp, Child::Checkers]);
}

#[test]
fn the_routers_stop_before_the_services_do() {
    let (mut parent, now) = running();
    let first = parent.handle(Event::Signal(Signal::Stop), now);
    assert!(first.contains(&Action::Send(Child::Vrrp, ToChild::Stop)));
    assert!(!first.contains(&Action::Send(Child::Checkers, ToChild::Stop)));
    let then = parent.handle(Event::Exited(Child::Vrrp, "exit 0".to_owned()), now);
    assert_eq!(then, [Action::Send(Child::Checkers, ToChild::Stop)]);
    let last = parent.handle(Event::Exited(Child::Checkers, "exit 0".to_owned()), now);
    assert_eq!(last, [Action::Exit(0)]);
}

#[test]
fn a_child_that_will_not_stop_is_killed_once() {
    let (mut parent, now) = running();
    assert!(!parent.handle(Event::Signal(Signal::Stop), now).is_empty());
    let due = parent.handle_deadline(now + seconds(5));
    assert!(due.contains(&Action::Kill(Child::Vrrp)), "{due:?}");
    assert!(!parent.handle_deadline(now + seconds(5)).contains(&Action::Kill(Child::Vrrp)));
}

#[test]
fn a_refused_reload_changes_nothing_and_says_so() {
    let (mut parent, now) = running();
    let request = Event::Control { client: 4, request: Request::Reload };
    assert!(parent.handle(request, now).contains(&Action::ReadConfig));
    let out = parent.handle(Event::ConfigRead(Err("line 3".to_owned())), now);
    assert!(!out.iter().any(|action| matches!(action, Action::Send(..))), "{out:?}");
    let failed = Response::Failed("line 3".to_owned());
    assert!(out.contains(&Action::Answer { client: 4, response: failed }));
    let asked = parent.handle(Event::Control { client: 5, request: Request::Status }, now);
    assert!(asked.contains(&Action::Send(Child::Vrrp, ToChild::ReportStatus(1))));
}

#[test]
fn a_reload_is_done_when_both_children_have_it() {
    let (mut parent, now) = running();
    assert!(!parent.handle(Event::Control { client: 1, request: Request::Reload }, now).is_empty());
    let fresh = Sources { seed: 9, ..Sources::default() };
    let out = parent.handle(
        Event::ConfigRead(Ok(Configuration { sources: Arc::new(fresh.clone()), ..file(&both()) })),
        now,
    );
    assert!(out.contains(&Action::Send(Child::Vrrp, ToChild::Configure(Arc::new(fresh)))));
    let done = Action::Answer { client: 1, response: Response::Done };
    let one = parent.handle(Event::Message(Child::Vrrp, ToParent::Configured), now);
    assert!(!one.contains(&done));
    let two = parent.handle(Event::Message(Child::Checkers, ToParent::Configured), now);
    assert!(two.contains(&done));
}

#[test]
fn status_waits_for_both_but_not_for_ever() {
    let (mut parent, now) = running();
    let ask = Event::Control { client: 1, request: Request::Status };
    assert_eq!(parent.handle(ask, now).len(), 2);
    let vrrp = ToParent::Vrrp(1, crate::status::VrrpStatus::default());
    assert_eq!(parent.handle(Event::Message(Child::Vrrp, vrrp), now), []);
    let out = parent.handle_deadline(now + questions::STATUS_WAIT);
    let answered = out.iter().find_map(|action| match action {
        Action::Answer { client: 1, response: Response::Status(snapshot) } => Some(snapshot),
        _ => None,
    });
    let snapshot = answered.unwrap();
    assert!(snapshot.vrrp.is_some() && snapshot.director.is_none());
    assert_eq!(snapshot.notes, ["the checkers process does not answer"]);
}

#[test]
fn only_who_has_something_to_do_runs_and_a_reload_can_start_another() {
    let now = Instant::now();
    let both = [Child::Vrrp, Child::Checkers];
    let mut parent = Supervisor::new(file(&[Child::Checkers]), &both, now);
    assert_eq!(parent.handle_deadline(now), [Action::Spawn(Child::Checkers)]);
    let read = parent.handle(Event::ConfigRead(Ok(file(&both))), now);
    assert!(!read.contains(&Action::Send(Child::Vrrp, ToChild::Configure(Arc::default()))));
    assert!(parent.handle_deadline(now).contains(&Action::Spawn(Child::Vrrp)));
    // Nobody is needed: both run, for otherwise nobody would ever say that we are ready.
    let mut parent = Supervisor::new(file(&[]), &both, now);
    assert_eq!(parent.handle_deadline(now).len(), 2);
    let mut parent = Supervisor::new(file(&[Child::Vrrp]), &[Child::Checkers], now);
    assert_eq!(parent.handle_deadline(now), [Action::Spawn(Child::Checkers)]);
}

/// With a BFD child, whose sessions concern the others.
fn with_sessions() -> (Supervisor, Instant) {
    let now = Instant::now();
    let all = [Child::Vrrp, Child::Checkers, Child::Bfd];
    let mut parent = Supervisor::new(file(&all), &all, now);
    assert_eq!(parent.handle_deadline(now), all.map(Action::Spawn));
    for child in all {
        let sent = parent.handle(Event::Started(child), now);
        assert_eq!(sent, [Action::Send(child, ToChild::Configure(Arc::default()))]);
    }
    (parent, now)
}

fn session(name: &str, up: bool) -> ToChild {
    ToChild::Bfd { name: name.to_owned(), up }
}

fn changed(name: &str, up: bool) -> Event {
    Event::Message(Child::Bfd, ToParent::BfdChanged { name: name.to_owned(), up })
}

#[test]
fn sessions_are_passed_on_and_told_to_who_comes_later() {
    let (mut parent, now) = with_sessions();
    let told = parent.handle(changed("b", true), now);
    let to = |child| Action::Send(child, session("b", true));
    assert_eq!(told, [to(Child::Vrrp), to(Child::Checkers)]);
    drop(parent.handle(Event::Exited(Child::Vrrp, "signal 9".to_owned()), now));
    drop(parent.handle_deadline(now));
    let told = parent.handle(Event::Started(Child::Vrrp), now);
    assert_eq!(told.last(), Some(&to(Child::Vrrp)), "after its configuration");
}

#[test]
fn a_session_that_nobody_watches_any_more_is_down_after_a_while() {
    let (mut parent, mut now) = with_sessions();
    for name in ["a", "b"] {
        drop(parent.handle(changed(name, true), now));
    }
    drop(parent.handle(Event::Exited(Child::Bfd, "signal 9".to_owned()), now));
    let passed_on = |parent: &mut Supervisor, now| -> Vec<ToChild> {
        let actions = parent.handle_deadline(now).into_iter();
        let sent = actions.filter_map(|action| match action {
            Action::Send(Child::Vrrp, message @ ToChild::Bfd { .. }) => Some(message),
            _ => None,
        });
        sent.collect()
    };
    assert_eq!(passed_on(&mut parent, now), [], "a new child may find them up");
    for name in ["a", "b"] {
        assert_eq!(parent.handle(changed(name, false), now), [], "as which it begins");
    }
    now += seconds(3);
    drop(parent.handle(changed("a", true), now));
    now += seconds(7);
    assert_eq!(passed_on(&mut parent, now), [session("b", false)]);
    now += seconds(60);
    assert_eq!(passed_on(&mut parent, now), []);
}

#[test]
fn sessions_end_last() {
    let (mut parent, now) = with_sessions();
    drop(parent.handle(Event::Signal(Signal::Stop), now));
    drop(parent.handle(Event::Exited(Child::Vrrp, "exit 0".to_owned()), now));
    let last = parent.handle(Event::Exited(Child::Checkers, "exit 0".to_owned()), now);
    assert_eq!(last, [Action::Send(Child::Bfd, ToChild::Stop)]);
}

#[test]
fn a_file_without_sessions_has_no_process_for_them() {
    let now = Instant::now();
    let all = [Child::Vrrp, Child::Checkers, Child::Bfd];
    let mut parent = Supervisor::new(file(&[]), &all, now);
    let spawned = parent.handle_deadline(now);
    assert_eq!(spawned, [Action::Spawn(Child::Vrrp), Action::Spawn(Child::Checkers)]);
}

/// What the service manager hears.
fn told(actions: Vec<Action>) -> Vec<Tell> {
    let tells = actions.into_iter().filter_map(|action| match action {
        Action::Tell(tell) => Some(tell),
        _ => None,
    });
    tells.collect()
}

fn status(text: &str) -> Tell {
    Tell::Status(text.to_owned())
}

fn configured(child: Child) -> Event {
    Event::Message(child, ToParent::Configured)
}

#[test]
fn the_service_manager_hears_how_it_goes() {
    let (mut parent, now) = running();
    let first = parent.handle(configured(Child::Vrrp), now);
    assert_eq!(told(first), [Tell::Ready, status("running")]);
    assert_eq!(told(parent.handle(configured(Child::Checkers), now)), [status("running")]);

    let ended = parent.handle(Event::Exited(Child::Vrrp, "signal 9".to_owned()), now);
    assert_eq!(told(ended), [status("running, the VRRP process is being restarted")]);
    drop(parent.handle_deadline(now));
    assert_eq!(told(parent.handle(configured(Child::Vrrp), now)), [status("running")]);

    assert_eq!(told(parent.handle(Event::Signal(Signal::Reload), now)), [Tell::Reloading]);
    let refused = parent.handle(Event::ConfigRead(Err("line 3".to_owned())), now);
    let expected = [Tell::Ready, status("running; the last reload was refused: line 3")];
    assert_eq!(told(refused), expected);

    drop(parent.handle(Event::Signal(Signal::Reload), now));
    drop(parent.handle(Event::ConfigRead(Ok(file(&both()))), now));
    assert_eq!(told(parent.handle(configured(Child::Vrrp), now)), []);
    let last = parent.handle(configured(Child::Checkers), now);
    assert_eq!(told(last), [Tell::Ready, status("running")]);

    assert_eq!(told(parent.handle(Event::Signal(Signal::Stop), now)), [Tell::Stopping]);
}

#[test]
fn the_service_manager_hears_that_the_loop_turns_if_it_watches() {
    let (parent, mut now) = running();
    let mut parent = parent.watched(Some(seconds(8)), now);
    let mut signs = 0;
    for _ in 0..40 {
        signs += told(parent.handle_deadline(now)).len();
        let next = parent.next_deadline().unwrap();
        assert!(next <= now + seconds(2), "a quarter of its limit at most");
        now += Duration::from_millis(250);
    }
    assert_eq!(signs, 5, "in 9.75 s, the first at once");
    let mut parent = parent.watched(None, now);
    assert_eq!(told(parent.handle_deadline(now)), []);
}
