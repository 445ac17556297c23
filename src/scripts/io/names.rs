//! Answers of the name service, asked for on other threads and kept for a while: a directory server
//! may hang for any time, perhaps because it waits behind the very address that we serve.
//!
//! Tasks: one blocking thread per question that is on its way, never two for the same one. The
//! runtime owns them; who waits may go away at any time, the answer is kept for the next one.
use super::identity::{Answer, Failure, Identity, Wanted};
use crate::scripts::{Policy, Refusal};
use nix::errno::Errno;
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::watch, time::timeout_at};

/// After so long it is asked again who somebody is; what is known counts until the answer is there.
const KNOWN: Duration = Duration::from_secs(60);
/// An answer with which a script cannot run counts for so long: the remedy is to be noticed.
const REFUSED: Duration = Duration::from_secs(2);

/// All answers of this process.
pub(super) static NAMES: LazyLock<Names> =
    LazyLock::new(|| Names::new(Wanted::look_up, KNOWN, REFUSED));

type AskService = dyn Fn(&Wanted) -> Answer + Send + Sync;

/// See the file's head.
pub(super) struct Names {
    service: Arc<AskService>,
    known: Duration,
    refused: Duration,
    questions: Mutex<BTreeMap<Wanted, watch::Sender<Question>>>,
}

#[derive(Debug, Default)]
struct Question {
    /// The newest.
    answer: Option<Answer>,
    /// When it was asked for.
    asked: Option<Instant>,
    /// Another one is under way.
    asking: bool,
}

impl Question {
    /// False: it is under way already.
    fn begin(&mut self) -> bool {
        let begins = !self.asking;
        if begins {
            (self.asking, self.asked) = (true, Some(Instant::now()));
        }
        begins
    }
}

impl Names {
    pub(super) fn new(
        service: impl Fn(&Wanted) -> Answer + Send + Sync + 'static,
        known: Duration,
        refused: Duration,
    ) -> Self {
        Self { service: Arc::new(service), known, refused, questions: Mutex::default() }
    }

    /// As whom to run, or why not; `until` is when the answer is of no use any more.
    pub(super) async fn identity(
        &self,
        wanted: &Wanted,
        policy: &Policy,
        until: Option<tokio::time::Instant>,
    ) -> Result<Identity, Refusal> {
        let asked = self.answer(wanted, |answer| wanted.judge(answer.clone(), policy).is_ok());
        let answer = match until {
            None => asked.await,
            Some(until) => {
                timeout_at(until, asked).await.map_err(|_elapsed| wanted.unanswered())?
            }
        };
        wanted.judge(answer, policy)
    }

    /// Answers at once with what is known, where that is good enough, however old it is; else waits.
    pub(super) async fn answer(&self, wanted: &Wanted, good: impl Fn(&Answer) -> bool) -> Answer {
        let mut heard = {
            let mut questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
            let question = questions.entry(wanted.clone()).or_default();
            let (mut known, mut is_good, mut fresh) = (None, false, false);
            // In one look: an answer that came between two would be asked for again.
            let begins = question.send_if_modified(|question| {
                known.clone_from(&question.answer);
                is_good = known.as_ref().is_some_and(&good);
                let lasts = if is_good { self.known } else { self.refused };
                fresh = question.asked.is_some_and(|at| at.elapsed() < lasts);
                !fresh && question.begin()
            });
            if begins {
                self.ask(wanted, question);
            }
            match known {
                Some(answer) if is_good || fresh => return answer,
                Some(_) | None => question.subscribe(),
            }
        };
        let heard = heard.wait_for(|question| !question.asking).await;
        let answer = heard.ok().and_then(|question| question.answer.clone());
        // Questions stay for as long as the process does, and each ends with an answer.
        answer.unwrap_or(Err(Failure::User(Errno::EAGAIN)))
    }

    /// Asks everything again. Until there are answers, those of before count.
    pub(super) fn ask_again(&self) {
        let questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        for (wanted, question) in &*questions {
            if question.send_if_modified(Question::begin) {
                self.ask(wanted, question);
            }
        }
    }

    fn ask(&self, wanted: &Wanted, question: &watch::Sender<Question>) {
        let (wanted, service) = (wanted.clone(), Arc::clone(&self.service));
        let question = question.clone();
        tokio::task::spawn_blocking(move || {
            let new = service(&wanted);
            question.send_modify(|question| {
                question.asking = false;
                // A service out of order does not make us forget whom we know.
                let says_nothing = matches!(new, Err(Failure::User(_) | Failure::Group(_)));
                if !(says_nothing && matches!(question.answer, Some(Ok(_)))) {
                    question.answer = Some(new);
                }
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Script;
    use std::sync::mpsc;
    use tokio::time::timeout;

    const LONG: Duration = Duration::from_secs(3600);

    /// A name service that answers when it is told what, and says who was asked for.
    fn service(known: Duration, refused: Duration) -> (Names, mpsc::Sender<Answer>, Asked) {
        let (answers, queue) = mpsc::channel();
        let queue = Mutex::new(queue);
        let asked = Asked::default();
        let log = Arc::clone(&asked);
        let service = move |wanted: &Wanted| {
            log.lock().unwrap().push(wanted.user.clone());
            queue.lock().unwrap().recv().unwrap_or(Err(Failure::NoUser))
        };
        (Names::new(service, known, refused), answers, asked)
    }

    type Asked = Arc<Mutex<Vec<String>>>;

    fn bob(groups: u32) -> Answer {
        let group = Some(groups.into());
        Ok(Identity { user: Some(7.into()), group, name: Some("bob".into()), groups: vec![] })
    }

    async fn get(names: &Names, wanted: &Wanted) -> Answer {
        timeout(Duration::from_secs(20), names.answer(wanted, Result::is_ok)).await.unwrap()
    }

    /// Until a thread that has been told its answer has passed it on.
    async fn until(condition: impl AsyncFn() -> bool) {
        for _ in 0..1000 {
            if condition().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it never came");
    }

    #[tokio::test]
    async fn a_service_that_hangs_is_asked_once_and_holds_up_nobody_else() {
        let (names, answers, asked) = service(LONG, LONG);
        let wanted = Wanted::owner(7);
        for _ in 0..5 {
            let patience = Duration::from_millis(30);
            assert!(timeout(patience, names.answer(&wanted, Result::is_ok)).await.is_err());
        }
        assert_eq!(*asked.lock().unwrap(), ["7"], "one thread, whoever waits");
        answers.send(bob(1)).unwrap();
        let both = async { tokio::join!(get(&names, &wanted), get(&names, &wanted)) };
        assert_eq!(both.await, (bob(1), bob(1)));
        assert_eq!(get(&names, &wanted).await, bob(1));
        assert_eq!(asked.lock().unwrap().len(), 1, "what is known is not asked for again");
        assert!(timeout(Duration::from_millis(30), get(&names, &Wanted::owner(8))).await.is_err());
        assert_eq!(*asked.lock().unwrap(), ["7", "8"], "another one is");
        drop(answers);
    }

    #[tokio::test]
    async fn what_is_known_counts_until_there_is_a_newer_answer() {
        let (names, answers, asked) = service(Duration::ZERO, LONG);
        let wanted = Wanted::owner(7);
        answers.send(bob(1)).unwrap();
        assert_eq!(get(&names, &wanted).await, bob(1));
        for _ in 0..5 {
            assert_eq!(get(&names, &wanted).await, bob(1), "it is old, but the service hangs");
        }
        until(async || asked.lock().unwrap().len() == 2).await;
        answers.send(bob(2)).unwrap();
        until(async || get(&names, &wanted).await == bob(2)).await;
        // By now it is being asked for the third time, or soon.
        answers.send(Err(Failure::User(Errno::EIO))).unwrap();
        until(async || get(&names, &wanted).await == bob(2) && asked.lock().unwrap().len() == 4)
            .await;
        answers.send(Err(Failure::NoUser)).unwrap();
        until(async || get(&names, &wanted).await == Err(Failure::NoUser)).await;
        drop(answers);
    }

    #[tokio::test]
    async fn a_refusal_does_not_last_and_a_reload_asks_again() {
        let wanted = Wanted::owner(7);
        let (names, answers, asked) = service(LONG, Duration::ZERO);
        answers.send(Err(Failure::NoUser)).unwrap();
        assert_eq!(get(&names, &wanted).await, Err(Failure::NoUser));
        answers.send(bob(1)).unwrap();
        assert_eq!(get(&names, &wanted).await, bob(1), "created meanwhile");
        names.ask_again();
        names.ask_again();
        assert_eq!(get(&names, &wanted).await, bob(1), "until the answer is there");
        answers.send(bob(2)).unwrap();
        until(async || get(&names, &wanted).await == bob(2)).await;
        assert_eq!(asked.lock().unwrap().len(), 3);
        let (names, answers, asked) = service(LONG, LONG);
        answers.send(Err(Failure::NoUser)).unwrap();
        for _ in 0..3 {
            assert_eq!(get(&names, &wanted).await, Err(Failure::NoUser));
        }
        assert_eq!(asked.lock().unwrap().len(), 1, "not at every run");
    }

    #[tokio::test]
    async fn a_script_waits_no_longer_than_it_may_run() {
        let (names, answers, _) = service(LONG, Duration::ZERO);
        let script = Script { argv: vec!["true".into()], user: None, group: None };
        let (lax, strict) = (Policy::default(), Policy { security: true, ..Policy::default() });
        let wanted = Wanted::of(&script, &lax);
        let until = || Some(tokio::time::Instant::now() + Duration::from_millis(30));
        let why = names.identity(&wanted, &lax, until()).await.unwrap_err().to_string();
        assert!(why.contains("keepalived_script`: the name service does not answer"), "{why}");
        answers.send(Err(Failure::NoUser)).unwrap();
        let as_we_are = Ok(Identity::default());
        assert_eq!(names.identity(&wanted, &lax, None).await, as_we_are);
        let why = names.identity(&wanted, &strict, until()).await.unwrap_err().to_string();
        assert!(why.contains("does not answer"), "asked again, where that is no good: {why}");
        assert_eq!(names.identity(&wanted, &lax, until()).await, as_we_are);
        answers.send(bob(1)).unwrap();
        assert_eq!(names.identity(&wanted, &strict, None).await.ok(), bob(1).ok());
    }
}
