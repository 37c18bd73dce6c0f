"""Which videos are forwarded to a participant whose path does not carry them all, and when they are tried again."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from pyvidu.server.media.path_probe import PACKETS, PathProbe
from pyvidu.server.media.rtcp import ReportBlock
from pyvidu.server.media.sound_first import ProbeResult, SoundFirst, VideoEvidence

LOST = ProbeResult(loss=0.5, queue=0.0)
ARRIVED = ProbeResult(loss=0.0, queue=0.05)


@dataclass(frozen=True)
class Pause:
    stream: str
    cause: str


@dataclass(frozen=True)
class Resume:
    stream: str


@dataclass(frozen=True)
class Probe:
    stream: str


Action = Pause | Resume | Probe


class Receiver:
    """A participant who receives videos at these rates, in bits a second, and what was done about them, with the time."""

    def __init__(self, **rates: float) -> None:
        self.decisions = SoundFirst()
        self.streams = {name: VideoEvidence(rate=rate) for name, rate in rates.items()}
        self.now = 100.0
        self.done: list[tuple[float, Action]] = []
        self.probe: ProbeResult | None = None
        """What each probe ends in after half a second; None: nothing is reported."""
        self.silent_since: float | None = None

    @property
    def heard(self) -> float:
        """Return when the participant was heard: always, but in `silence`."""
        return self.now if self.silent_since is None else self.silent_since

    def after(self, seconds: float, *, loss: float = 0.0, arrives: float = 1.0, **fields: float | None) -> list[Action]:
        """Let time pass, with this loss and this evidence on every stream that is forwarded; return what was done.

        `arrives`: packets that arrive, or are lost, for one that is forwarded; the others wait in a queue.
        """
        began, ends = len(self.done), self.now + seconds
        while self.now < ends - 0.01:
            self.now += 0.25
            for name, evidence in self.streams.items():
                if name not in self.decisions.paused:
                    counts = {
                        "expected": evidence.expected + round(20 * arrives),
                        "lost": evidence.lost + round(20 * arrives * loss),
                        "forwarded": evidence.forwarded + 20,
                    }
                    evidence = replace(evidence, **counts, **fields)  # type: ignore[arg-type]
                probed = self.done and self.done[-1][1] == Probe(name) and self.now - self.done[-1][0] >= 0.5
                self.streams[name] = replace(evidence, probe=self.probe if probed else None)
            self._look()
        return [action for _, action in self.done[began:]]

    def silence(self, seconds: float) -> list[Action]:
        """Let time pass in which nothing is heard of the participant; return what was done."""
        began, self.silent_since = len(self.done), self.now
        for _ in range(round(seconds / 0.25)):
            self.now += 0.25
            self._look()
        self.silent_since = None
        return [action for _, action in self.done[began:]]

    def _look(self) -> None:
        before = dict(self.decisions.paused)
        probed = self.decisions.look(self.streams, self.heard, self.now)
        after = self.decisions.paused
        actions: list[Action] = [Pause(name, cause) for name, cause in after.items() if name not in before]
        actions += [Resume(name) for name in before if name in self.streams and name not in after]
        actions += [Probe(probed)] if probed is not None else []
        self.done += [(self.now, action) for action in actions]


def test_video_of_which_most_is_lost_is_paused_within_three_seconds() -> None:
    receiver = Receiver(s=300_000)
    assert receiver.after(5) == []
    assert receiver.after(3, loss=0.8) == [Pause("s", "loss")]


def test_half_that_is_lost_at_random_pauses_nothing() -> None:
    assert Receiver(s=300_000).after(20, loss=0.5) == []


def test_low_estimate_of_before_an_outage_pauses_nothing_in_it() -> None:
    receiver = Receiver(s=300_000)
    receiver.after(3)
    assert receiver.after(0.5, arrives=0.5, estimate=150_000.0) == []
    assert receiver.silence(5) == []


def test_losses_of_an_outage_pause_nothing() -> None:
    receiver = Receiver(s=300_000)
    receiver.after(3)
    assert receiver.silence(5) == []
    video = receiver.streams["s"]
    receiver.streams["s"] = replace(video, expected=video.expected + 200, lost=video.lost + 200)
    assert receiver.after(10, loss=0.5) == []


def test_queue_of_a_browser_that_stood_still_pauses_nothing() -> None:
    receiver = Receiver(s=300_000)
    receiver.after(3)
    assert receiver.silence(8) == []
    assert receiver.after(2.5, queue=8.0) == [], "what it answers was sent while it stood still"
    assert receiver.after(5, queue=0.0) == []
    assert receiver.after(3, queue=1.5) == [Pause("s", "queue")], "a queue that comes later counts"


def test_estimate_that_falls_below_what_video_needs_pauses_it() -> None:
    receiver = Receiver(s=300_000)
    receiver.after(2, arrives=0.5, estimate=400_000.0)
    assert receiver.after(1, arrives=0.5, estimate=90_000.0) == [Pause("s", "estimate")]


def test_low_estimate_that_does_not_rise_pauses_video() -> None:
    assert Receiver(s=300_000).after(2, arrives=0.5, estimate=90_000.0) == [Pause("s", "estimate")]


def test_low_estimate_pauses_nothing_while_what_is_sent_arrives() -> None:
    assert Receiver(s=300_000).after(20, estimate=90_000.0) == [], "the machine is busy, the path carries it"


def test_low_estimate_that_rises_pauses_nothing() -> None:
    receiver = Receiver(s=300_000)
    for second in range(15):
        assert receiver.after(1, arrives=0.5, estimate=90_000.0 * 1.03**second) == []


def test_nothing_is_tried_before_the_path_has_answered_and_its_queue_is_empty() -> None:
    receiver = Receiver(s=300_000)
    receiver.after(2, arrives=0.5, estimate=90_000.0)
    receiver.streams["s"] = replace(receiver.streams["s"], answered=False)
    assert receiver.after(5) == []
    receiver.streams["s"] = replace(receiver.streams["s"], answered=True, queue=2.0)
    assert receiver.after(5) == []
    receiver.streams["s"] = replace(receiver.streams["s"], queue=0.1)
    assert receiver.after(1) == [Probe("s")]


def test_long_queue_pauses_video() -> None:
    assert Receiver(s=300_000).after(2, queue=1.5) == [Pause("s", "queue")]


def test_short_queue_pauses_nothing() -> None:
    assert Receiver(s=300_000).after(20, queue=0.6) == []


def test_largest_videos_are_paused_until_the_rest_fits_into_what_arrives() -> None:
    receiver = Receiver(small=100_000, large=900_000, medium=400_000)
    assert receiver.after(2.5, loss=0.7) == [Pause("large", "loss"), Pause("medium", "loss")]


def test_one_video_after_the_other_is_paused_while_the_queue_stays() -> None:
    receiver = Receiver(small=100_000, large=900_000)
    assert receiver.after(5, queue=2.0) == [Pause("large", "queue"), Pause("small", "queue")]


def test_probe_that_arrives_resumes_the_video() -> None:
    receiver = Receiver(s=300_000)
    receiver.after(2.25, loss=0.8)
    receiver.probe = ARRIVED
    assert receiver.after(3) == [Probe("s"), Resume("s")]
    assert receiver.after(20) == []


def test_smallest_video_is_resumed_first() -> None:
    receiver = Receiver(small=300_000, large=900_000)
    receiver.after(2.25, loss=0.9)
    assert list(receiver.decisions.paused) == ["large", "small"]
    receiver.probe = ARRIVED
    actions = receiver.after(15)
    assert [action for action in actions if isinstance(action, Resume)] == [Resume("small"), Resume("large")]


def test_probes_that_are_lost_are_repeated_after_ever_longer_waits() -> None:
    receiver = Receiver(s=300_000)
    receiver.after(2.25, loss=0.8)
    receiver.probe = LOST
    actions = receiver.after(40)
    assert set(actions) == {Probe("s")}
    times = [at for at, action in receiver.done if action == Probe("s")]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert waits[:3] == [2.5, 2.5, 2.5]


def test_probe_that_waits_in_a_queue_has_failed() -> None:
    receiver = Receiver(s=300_000)
    receiver.after(2.25, loss=0.8)
    receiver.probe = ProbeResult(loss=0.0, queue=0.8)
    assert Resume("s") not in receiver.after(10)


def test_probe_without_a_report_has_failed() -> None:
    receiver = Receiver(s=300_000)
    receiver.after(2.25, loss=0.8)
    assert receiver.after(5) == [Probe("s")]


def test_video_that_overloads_the_path_again_is_paused_at_once() -> None:
    receiver = Receiver(s=300_000)
    receiver.after(2.25, loss=0.8)
    receiver.probe = ARRIVED
    receiver.after(2)
    assert receiver.done[-1][1] == Resume("s")
    assert receiver.after(1.5, loss=0.8) == [Pause("s", "loss")]


def test_stream_that_has_ended_is_forgotten() -> None:
    receiver = Receiver(s=300_000)
    receiver.after(2.25, loss=0.8)
    receiver.streams.clear()
    assert receiver.after(5) == []
    assert not receiver.decisions.paused


def block(highest: int, fraction: float, last_report: int = 0) -> ReportBlock:
    return ReportBlock(1, round(256 * fraction), 0, highest, 0, last_report, 0)


def sent_probe(first: int = 65_530) -> tuple[PathProbe, int]:
    """Return a probe whose packets are all sent, across the end of the sequence numbers, and the time of the report after."""
    probe = PathProbe(0.1, 999.0)
    for count in range(PACKETS):
        assert not probe.complete
        probe.sent((first + count) & 0xFFFF)
    assert probe.complete
    probe.followed_by(1000.5)
    return probe, int(1000.5 * 65536)


def test_result_of_a_probe_is_known_with_the_answer_to_the_report_after_it() -> None:
    probe, report = sent_probe()
    probe.reported(block(65_530 + 9, 0.2), 0.0)
    assert probe.result is None
    probe.reported(block(65_530 + PACKETS - 1, 0.1, report), 0.07)
    assert probe.result is not None
    assert abs(probe.result.loss - (0.2 * 10 + 0.1 * (PACKETS - 10)) / PACKETS) < 0.02
    assert probe.result.queue == 0.0, "less than before it"


def test_end_of_a_probe_that_never_arrived_counts_as_lost() -> None:
    probe, report = sent_probe()
    probe.reported(block(65_530 + 9, 0.0, report), 0.0)
    assert probe.result is not None
    assert probe.result.loss == 1 - 10 / PACKETS


def test_probe_has_failed_as_soon_as_most_of_ten_packets_are_lost() -> None:
    probe = PathProbe(0.0, 999.0)
    for sequence in range(30):
        probe.sent(100 + sequence)
    probe.reported(block(119, 0.0), 0.0)
    probe.reported(block(124, 0.4), 0.0)
    assert probe.result is None
    probe.reported(block(129, 1.0), 0.0)
    assert probe.result is not None
    assert probe.result.loss >= 0.6


def test_probe_has_failed_as_soon_as_its_packets_wait_in_a_queue() -> None:
    probe = PathProbe(0.1, 999.0)
    for sequence in range(30):
        probe.sent(sequence)
    before, during = int(998.5 * 65536), int(999.5 * 65536)
    probe.reported(block(10, 0.0, before), 0.9)
    probe.reported(block(15, 0.0, during), 0.3)
    assert probe.result is None
    probe.reported(block(20, 0.0, during), 0.4)
    assert probe.result == ProbeResult(0.0, 0.4 - 0.1)


def test_report_about_what_was_sent_before_the_probe_counts_nothing() -> None:
    probe, report = sent_probe(first=500)
    probe.reported(block(480, 0.0), 0.0)
    probe.reported(block(499, 0.0, report), 0.0)
    assert probe.result is not None
    assert probe.result.loss == 1.0


def resumed(receiver: Receiver) -> str:
    """Return the stream that is resumed next."""
    receiver.probe = ARRIVED
    for _ in range(40):
        for action in receiver.after(0.25):
            if isinstance(action, Resume):
                return action.stream
    raise AssertionError("nothing is resumed")


def test_losses_from_before_the_pause_that_are_reported_after_it_pause_nothing() -> None:
    receiver = Receiver(s=300_000)
    receiver.after(2.25, loss=0.8)
    assert resumed(receiver) == "s"
    video = receiver.streams["s"]
    receiver.streams["s"] = replace(video, expected=video.expected + 40, lost=video.lost + 30)
    assert receiver.after(10) == []


def test_another_video_that_overloads_the_path_pauses_the_one_that_was_just_resumed() -> None:
    receiver = Receiver(s=300_000)
    receiver.after(2.25, loss=0.8)
    resumed(receiver)
    receiver.streams["another"] = VideoEvidence(rate=900_000, estimate=50_000.0)
    receiver.streams["another"] = replace(receiver.streams["another"], queue=2.0)
    assert Pause("s", "queue") in receiver.after(2)


def test_all_videos_are_forwarded_again_after_an_outage() -> None:
    receiver = Receiver(small=300_000, large=900_000)
    receiver.after(2.25, loss=0.9)
    assert set(receiver.decisions.paused) == {"small", "large"}
    receiver.silence(2.5)
    assert not set(receiver.after(0.25)) & {Resume("small"), Resume("large")}, "too short for an outage"
    receiver.silence(5)
    assert set(receiver.after(0.25)) == {Resume("small"), Resume("large")}
    assert receiver.after(20) == []


def test_path_that_is_as_narrow_after_an_outage_is_judged_three_seconds_after_it() -> None:
    receiver = Receiver(s=300_000)
    receiver.after(2.25, loss=0.8)
    receiver.silence(5)
    assert receiver.after(0.25) == [Resume("s")]
    assert receiver.after(2.75, loss=0.8) == []
    assert receiver.after(0.75, loss=0.8) == [Pause("s", "loss")]


def test_queue_that_one_sender_report_has_met_pauses_nothing() -> None:
    receiver = Receiver(s=300_000)
    receiver.after(3)
    for _ in range(5):
        assert receiver.after(1, queue=1.5) == []
        receiver.after(0.25, queue=0.0)
