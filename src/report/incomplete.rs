//! Reasons why a run is not whole.

use super::{InputReport, LossReport, Run};

/// All reasons, those about single inputs first.
pub(super) fn of(run: &Run, losses: LossReport) -> Vec<String> {
    let faults = run.inputs.iter().filter_map(fault);
    let logs = run.flow_logs.iter().filter(|log| log.is_damaged());
    let logs = logs.map(|log| format!("{}: the flow log is damaged", log.name));
    let unread = run.unread.iter().cloned();
    let lost = losses.share > run.max_loss;
    let lost = lost.then(|| {
        let (packets, share) = (losses.packets, losses.share * 100.0);
        format!("{packets} packets ({share:.3} %) passed the captures unseen")
    });
    let gaps = losses.gaps;
    let down = (gaps > 0).then(|| format!("interfaces were down {gaps} times"));
    faults
        .chain(logs)
        .chain(unread)
        .chain(lost)
        .chain(down)
        .collect()
}

fn fault(input: &InputReport) -> Option<String> {
    let fault = input.fault.as_ref()?;
    Some(format!(
        "{}: damaged at byte {}: {}",
        input.name, fault.offset, fault.what
    ))
}
