//! Outputs of a run: events, states and reports, and the failures of each.
//!
//! Whoever reads them may stop reading, so what can be kept waiting has a thread of its
//! own, and the sum hands over only what there is room for. At the end it waits a little.

use std::convert::Infallible;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use super::events::{Event, Line, Log};
use super::metrics::Textfile;
use super::printer::{Printer, are_events_on_stdout};
use super::saving::SavingState;
use super::screen::{Screen, ScreenControl};
use super::state::{History, Published, RunState};
use crate::cli::Live;
use crate::input::name::FileName;
use crate::report::Report;
use crate::run::evidence::PacketSources;
use crate::run::saved::StateError;

/// Events that may wait to be written: many paths can appear at once.
const EVENTS_AHEAD: usize = 1 << 16;
/// Reports that may wait to be printed.
const REPORTS_AHEAD: usize = 1;
/// Time between two looks for a file that is to be opened again.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Time that the end of a run waits for readers.
const PATIENCE: Duration = Duration::from_secs(2);

/// True where standard output is a terminal that shows the table.
fn shows_screen(config: &Live) -> bool {
    io::stdout().is_terminal() && !are_events_on_stdout(config)
}

/// A thread that may be kept waiting, and what waits for it.
struct Outlet<T> {
    give: Option<Sender<T>>,
    waiting: Receiver<T>,
    /// Number that may wait. The channel has no limit, for one with a limit takes its memory
    /// before anything waits.
    ahead: usize,
    failures: Receiver<String>,
    /// Open as long as the thread goes on.
    going: Going,
}

/// Disconnected when a thread has ended.
pub(super) type Going = Receiver<Infallible>;

impl<T: Send + 'static> Outlet<T> {
    /// Starts a thread that writes what it receives until there is no more, and sends what
    /// went wrong.
    fn open(
        ahead: usize,
        write: impl FnOnce(&Receiver<T>, &Sender<String>) + Send + 'static,
    ) -> Self {
        let (give, waiting) = unbounded();
        let (fail, failures) = bounded(8);
        let (goes, going) = bounded(0);
        let given = waiting.clone();
        // Not of a scope: nobody waits for a thread that its reader has left.
        thread::spawn(move || {
            let _goes = goes;
            write(&given, &fail);
        });
        Self {
            give: Some(give),
            waiting,
            ahead,
            failures,
            going,
        }
    }

    /// Hands over, if there is room.
    fn give(&self, what: T) -> bool {
        let has_room = self.waiting.len() < self.ahead;
        let give = self.give.as_ref().filter(|_| has_room);
        give.is_some_and(|give| give.send(what).is_ok())
    }

    /// Waits until all is written, at most until a deadline. Gives how many were not, or not
    /// wholly.
    fn close(&mut self, deadline: Instant) -> usize {
        self.give = None;
        let ended = self.going.recv_deadline(deadline);
        let in_hand = usize::from(ended == Err(RecvTimeoutError::Timeout));
        self.waiting.len() + in_hand
    }
}

/// Writes events until there are no more, or the file fails.
fn write_events(mut log: Log, events: &Receiver<Line>, fail: &Sender<String>) {
    loop {
        let event = events.recv_timeout(LOOK_EVERY);
        if let Err(error) = log.look() {
            let path = FileName(log.path());
            let _ = fail.try_send(format!(
                "cannot open {path} again, so events go on in the file that was open: {error}"
            ));
        }
        let written = match event {
            Ok(event) => log.tell(&event),
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if let Err(error) = written {
            let _ = fail.try_send(format!("cannot write events any more: {error}"));
            break;
        }
    }
    // What comes after a failure is taken and forgotten.
    events.iter().for_each(drop);
}

/// Writes events as sentences to standard error until there are no more.
fn write_sentences(events: &Receiver<Line>) {
    for event in events {
        // A person who is gone stops no run.
        let _ = writeln!(io::stderr(), "{event}");
    }
}

/// Prints reports until there are no more.
fn print_reports(printer: &Printer, reports: &Receiver<Arc<Report>>, fail: &Sender<String>) {
    for report in reports {
        if let Err(error) = printer.print(&report) {
            let _ = fail.try_send(format!("cannot write a report: {error}"));
        }
    }
}

/// All outputs of a run but those of its end.
pub(super) struct Outputs {
    published: Published,
    /// Kept where it is drawn.
    history: Option<History>,
    textfile: Option<Textfile>,
    written: Instant,
    /// Outlets of events: as JSON, and as sentences.
    events: [Option<Outlet<Line>>; 2],
    screen: Option<ScreenControl>,
    reports: Outlet<Arc<Report>>,
    /// Events that there was no room for, in each.
    lost: [usize; 2],
    /// Remarks and failures, a sentence each.
    notes: Vec<String>,
}

impl Outputs {
    /// Takes the terminal over, if it shows a screen.
    ///
    /// # Errors
    /// Those of the terminal.
    pub(super) fn open(
        config: &Live,
        published: &Published,
        textfile: Option<Textfile>,
        log: Option<Log>,
    ) -> io::Result<Self> {
        let color = config.output.style.color;
        let screen = shows_screen(config).then(|| Screen::open(color));
        let screen = screen.transpose()?;
        let json =
            log.map(|log| Outlet::open(EVENTS_AHEAD, |lines, fail| write_events(log, lines, fail)));
        // A person looks at the screen instead.
        let sentences = screen
            .is_none()
            .then(|| Outlet::open(EVENTS_AHEAD, |lines, _| write_sentences(lines)));
        Ok(Self {
            published: Published::clone(published),
            history: screen.is_some().then(History::new),
            textfile,
            written: Instant::now(),
            events: [json, sentences],
            screen: screen.as_ref().map(Screen::control),
            reports: reports(screen, Printer::of(config), published),
            lost: [0; 2],
            notes: Vec::new(),
        })
    }

    /// Control of the screen, where there is one.
    pub(super) fn screen(&self) -> Option<ScreenControl> {
        self.screen.clone()
    }

    /// Tells of an event.
    pub(super) fn tell(&mut self, event: Event) {
        let line = Line::from(event);
        for (outlet, lost) in self.events.iter().zip(&mut self.lost) {
            let is_given = outlet.as_ref().is_none_or(|it| it.give(line.clone()));
            *lost += usize::from(!is_given);
        }
    }

    /// Prints a report meanwhile.
    pub(super) fn print(&mut self, report: Arc<Report>) {
        if !self.reports.give(report) {
            let unread = "a report was not printed: the one before was not read yet";
            self.note(unread.to_owned());
        }
    }

    /// Publishes what is known now.
    pub(super) fn publish(&mut self, known: (Arc<Report>, Duration, Option<SavingState>)) {
        let (report, elapsed, saving) = known;
        let history = self.history.as_mut();
        let minutes = history.map(|history| history.look(&report));
        let state = RunState {
            report,
            elapsed,
            saving,
            minutes: minutes.unwrap_or_default(),
        };
        self.published.store(Some(state.into()));
        if self.written.elapsed() >= Textfile::EVERY {
            self.write_textfile();
        }
    }

    fn write_textfile(&mut self) {
        self.written = Instant::now();
        if let Some(file) = &self.textfile
            && let Err(error) = file.write(&self.published)
        {
            let path = FileName(file.path());
            self.note(format!("cannot write {path}: {error}"));
        }
    }

    /// Keeps what went wrong for the report, once.
    pub(super) fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Sentences for the report on failures of outputs.
    pub(super) fn warnings(&mut self) -> Vec<String> {
        let of_events = self.events.iter().flatten().map(|it| &it.failures);
        let failures = of_events.chain([&self.reports.failures]);
        let failures: Vec<_> = failures.flat_map(Receiver::try_iter).collect();
        for failure in failures {
            self.note(failure);
        }
        let mut warnings = self.notes.clone();
        let [events, sentences] = self.lost;
        let lost = [
            (events, "events not written"),
            (sentences, "events not written to standard error"),
        ];
        let lost = lost.iter().filter(|(lost, _)| *lost > 0);
        warnings.extend(lost.map(|(lost, what)| format!("{what}, as nobody read them: {lost}")));
        warnings
    }

    /// Waits a little until all is written. Gives what the report should say, and who may
    /// still hold the place where it is printed.
    pub(super) fn end(mut self) -> (Vec<String>, Going) {
        self.write_textfile();
        let deadline = Instant::now() + PATIENCE;
        for (outlet, lost) in self.events.iter_mut().zip(&mut self.lost) {
            *lost += outlet.as_mut().map_or(0, |it| it.close(deadline));
        }
        self.reports.close(deadline);
        (self.warnings(), self.reports.going.clone())
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        // Whoever draws may be cut off in the midst of it.
        if let (true, Some(screen)) = (thread::panicking(), &self.screen) {
            screen.close_at_once();
        }
    }
}

/// Outlet of the reports that are asked for; the screen makes room for them.
fn reports(screen: Option<Screen>, printer: Printer, published: &Published) -> Outlet<Arc<Report>> {
    let published = Published::clone(published);
    Outlet::open(REPORTS_AHEAD, move |reports, fail| match screen {
        Some(screen) => screen.show(&published, reports, &printer, fail),
        None => print_reports(&printer, reports, fail),
    })
}

/// Last report of a run, and the stream it is printed to.
pub struct Ended {
    /// The report.
    pub report: Report,
    /// Outcome of saving what was counted, where that was asked for.
    pub saved: Result<(), StateError>,
    /// Packets that were kept of each capture, where those are asked for.
    pub packets: PacketSources,
    pub(super) printer: Printer,
    pub(super) going: Going,
}

impl Ended {
    /// Prints the report, after all that was printed before. This waits for whoever reads.
    ///
    /// # Errors
    /// Those of standard output, or of standard error where events have the other.
    pub fn print(&self) -> io::Result<()> {
        // Nothing is ever sent: this is the end of the thread that printed until now.
        let _ = self.going.recv();
        self.printer.print(&self.report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_and_what_still_waits_is_told() {
        let (take, taken) = bounded(0);
        let (_reader, reads) = bounded::<()>(0);
        let mut outlet = Outlet::open(3, move |lines, _| {
            for line in lines {
                take.send(line).expect("the test listens");
                let _ = reads.recv();
            }
        });
        assert!(outlet.give(0));
        assert_eq!(taken.recv(), Ok(0));
        let room = [1, 2, 3, 4, 5].map(|line| outlet.give(line));
        assert_eq!(room, [true, true, true, false, false]);
        assert_eq!(
            outlet.close(Instant::now()),
            4,
            "one in hand, three behind it"
        );
    }

    #[test]
    fn all_is_written_before_the_end() {
        let (write, written) = unbounded();
        let mut outlet = Outlet::open(1000, move |lines, _| {
            lines
                .iter()
                .for_each(|line| write.send(line).expect("the test listens"));
        });
        assert!((0..1000).all(|line| outlet.give(line)));
        assert_eq!(outlet.close(Instant::now() + Duration::from_mins(1)), 0);
        assert_eq!(
            written.iter().collect::<Vec<_>>(),
            (0..1000).collect::<Vec<_>>()
        );
    }
}
