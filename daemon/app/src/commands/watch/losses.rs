//! What each way of losing frames means, and what helps. Pure.
//!
//! In: the daemon's name for a reason. Out: words. Never: a reason without a remedy.

/// Completes "12 frames lost: …", and says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    pub what: &'static str,
    pub remedy: &'static str,
}

/// What helps a daemon that is slower than the camera.
pub const WHEN_SLOW: &str = "Take a smaller region of interest or a longer exposure, choose a leaner model, or give the ring more memory (ring.mib).";

const UNKNOWN: Words = Words { what: "for another reason", remedy: "Look into the daemon's log." };

/// Of frames that were received and not processed.
pub fn lost(reason: &str) -> Words {
    let (what, remedy) = match reason {
        "ring_full" => ("refused because the ring of waiting frames was full", WHEN_SLOW),
        "skipped_oldest" => (
            "given up so that newer ones found room (ring.policy is live)",
            "Take a smaller region of interest or a longer exposure, or choose a leaner model; ring.policy = \"lossless\" keeps the oldest instead.",
        ),
        "no_ring" => {
            ("refused because no ring could be made", "Free memory or disk in ring.dir, or lower ring.mib.")
        }
        "shape_changed" => (
            "of another size than the series' first",
            "Begin a new series after changing the region of interest or the binning.",
        ),
        "bad_checksum" => (
            "damaged on the way",
            "Check cable, switch and memory between the camera's computer and this one.",
        ),
        "bad_compression" => ("that could not be decompressed", "Update the publisher, or send frames raw."),
        "duplicate" => ("that had come before", "Run one publisher per camera."),
        "too_late" => {
            ("that came after later ones", "Run one publisher per camera, and let it send in order.")
        }
        "shutdown" => ("that still waited when the daemon was stopped", "Raise serve.drain_s."),
        "engine_failed" => (
            "on which the network failed",
            "Look into the daemon's log; model.provider = \"cpu\" leaves the GPU out.",
        ),
        "series_closed" => (
            "that came after the series was closed",
            "Begin a new series, or raise frames.idle_close_s when the camera pauses for long.",
        ),
        "series_busy" => {
            ("that a second publisher sent for the same series", "Run one publisher per series.")
        }
        "too_many_series" => (
            "of one series too many at once",
            "End series that are no longer used, or raise frames.max_series.",
        ),
        "slot_torn" => ("damaged when the daemon was killed", "Stop the daemon with Ctrl-C or SIGTERM."),
        _ => return UNKNOWN,
    };
    Words { what, remedy }
}

/// Of frames that never came.
pub fn missing(cause: &str) -> Words {
    let (what, remedy) = match cause {
        "transport" => (
            "sent and never received",
            "The daemon was away, or the publisher's queue was full: keep the daemon running, give the publisher more room.",
        ),
        "camera" => (
            "skipped by the camera",
            "Enlarge the camera's or Micro-Manager's buffer, or take a smaller region of interest.",
        ),
        _ => return UNKNOWN,
    };
    Words { what, remedy }
}

/// `ring_full` as "ring full".
pub fn name(reason: &str) -> String {
    reason.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use smlm::account::LossReason;
    use smlm::frame::GapCause;

    use super::*;

    #[test]
    fn every_reason_the_daemon_knows_has_words_and_a_remedy() {
        for reason in LossReason::ALL {
            assert_ne!(lost(reason.as_str()), UNKNOWN, "{}", reason.as_str());
        }
        for cause in [GapCause::Transport, GapCause::Camera] {
            assert_ne!(missing(cause.as_str()), UNKNOWN, "{}", cause.as_str());
        }
        assert_eq!(lost("of_a_later_version"), UNKNOWN);
    }
}
