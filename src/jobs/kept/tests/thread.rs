//! Keepers on threads of their own, and a list of jobs that cannot be used for a while.

use super::*;

/// Has the list of jobs taken away and put back, as on a disk that fails.
fn rename(bench: &Bench, from: &str, to: &str) {
    let other = rusqlite::Connection::open(bench.folder.path().join("jobs.db")).unwrap();
    other
        .execute_batch(&format!("ALTER TABLE {from} RENAME TO {to}"))
        .unwrap();
}

#[test]
fn a_keeper_on_a_thread_of_its_own_works_and_ends() {
    let bench = Bench::new();
    let jobs = bench.open();
    let mut keeper = Some(bench.keeper(1, |_, _| Ok(())));
    let (ended, news) = bounded(8);
    let (failed, errors) = bounded(8);
    let mut asked = 0;
    let open = move |has_orders: bool| {
        asked += 1;
        match asked {
            1 => {
                assert!(!has_orders);
                Ok(None)
            }
            // The disk is full, say.
            2 => Err(KeptError::Busy),
            _ => {
                assert!(has_orders, "what was ordered still waits");
                Ok(keeper.take())
            }
        }
    };
    let on_turn = move |turn: &Turn| {
        for news in &turn.news {
            let _full = ended.try_send(news.job.order.key.clone());
        }
        if let Some(error) = &turn.error {
            let _full = failed.try_send(error.to_string());
        }
    };
    let thread = KeeperThread::start(open, Stance::Told, on_turn).unwrap();
    // What finds nothing makes no list.
    thread.order(Vec::new, Renew::Always);
    errors.recv_timeout(HUNG).unwrap();
    thread.order(|| vec![order("a")], Renew::Always);
    thread.aim(KIND, vec!["a".to_owned()]);
    assert_eq!(news.recv_timeout(HUNG).unwrap(), "a");
    thread.tell(Stance::Playing, 3);
    drop(thread);
    assert_eq!(find(&jobs, "a").state, KeptState::Done);
}

#[test]
fn what_cannot_be_written_waits_until_it_can() {
    let bench = Bench::new();
    let jobs = bench.open();
    let mut keeper = Some(bench.keeper(1, |_, _| Ok(())));
    rename(&bench, "jobs", "away");
    let (ended, news) = bounded(8);
    let (failed, errors) = bounded(1);
    let on_turn = move |turn: &Turn| {
        for news in &turn.news {
            let _full = ended.try_send(news.job.order.key.clone());
        }
        if turn.error.is_some() && turn.running.is_empty() {
            let _full = failed.try_send(());
        }
    };
    let open = move |_| Ok(keeper.take());
    let thread = KeeperThread::start(open, Stance::Told, on_turn).unwrap();
    thread.order(|| vec![order("a")], Renew::Always);
    thread.order(|| vec![order("b")], Renew::Always);
    errors.recv_timeout(HUNG).unwrap();
    rename(&bench, "away", "jobs");
    thread.aim(KIND, Vec::new());
    for key in ["a", "b"] {
        assert_eq!(news.recv_timeout(HUNG).unwrap(), key);
    }
    drop(thread);
    assert_eq!(jobs.list().unwrap().len(), 2);
}

#[test]
fn what_hangs_is_news_once_though_it_cannot_be_written_down() {
    let bench = Bench::new();
    let (mut keeper, has_begun, _go) = waiting(&bench);
    let jobs = Arc::clone(keeper.jobs());
    jobs.add(&order("a"), Renew::Always).unwrap();
    until_progress(&mut keeper, &has_begun);
    keeper.turn(Stance::Told, 0);
    rename(&bench, "jobs", "away");
    bench.advance(Duration::from_mins(2));
    for _ in 0..2 {
        let turn = keeper.turn(Stance::Told, 0);
        assert_eq!(turn.news, []);
        assert!(turn.error.is_some());
    }
    rename(&bench, "away", "jobs");
    let news = until_news(&mut keeper);
    assert!(
        matches!(
            &news[..],
            [KeptNews {
                outcome: Err(KeptStop::Later(_)),
                ..
            }]
        ),
        "{news:?}"
    );
    assert_eq!(find(&jobs, "a").state, KeptState::Waiting);
}
