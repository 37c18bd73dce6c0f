"""Settings and properties: which names and values are accepted, in which unit, and what an error says."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from pyvidu import AttemptPolicy, Filter, MediaPolicy, PropertiesError, ReconnectionPolicy, SpeakingEventsOptions
from pyvidu.configuration import AdvancedConfiguration, PublisherProperties, SubscriberProperties, described_filter
from pyvidu.properties import configured, warn_without_effect
from pyvidu.protocol.values import FilterInfo

ICE_TIMEOUT, PLAYING_TIMEOUT = (
    "ice_connection_disconnected_exception_timeout",
    "no_stream_playing_event_exception_timeout",
)


@dataclass
class Track:
    kind: str


async def supply() -> None:
    """Supply nothing, as a callback of an application might."""


@pytest.fixture(autouse=True)
def warnings_are_due_again() -> Iterator[None]:
    warn_without_effect.cache_clear()
    yield
    warn_without_effect.cache_clear()


def settings(mapping: Mapping[str, Any] | None = None, **keywords: Any) -> AdvancedConfiguration:
    return configured(AdvancedConfiguration, mapping, keywords)


def properties(mapping: Mapping[str, Any] | None = None, **keywords: Any) -> PublisherProperties:
    return configured(PublisherProperties, mapping, keywords)


# --- names -----------------------------------------------------------------------------------------------------------


def test_mapping_has_openvidus_names_and_keywords_have_pythons() -> None:
    made = properties({"publishAudio": False, "frameRate": 10}, frame_rate=15)
    assert (made.publish_audio, made.frame_rate) == (False, 15), "a keyword takes precedence"


def test_earlier_settings_stay() -> None:
    first = settings(force_media_reconnection_after_network_drop=True)
    second = configured(AdvancedConfiguration, {"noStreamPlayingEventExceptionTimeout": 9000}, {}, first)
    assert second.force_media_reconnection_after_network_drop
    assert second.no_stream_playing_event_exception_timeout == 9


@pytest.mark.parametrize(
    ("mapping", "keywords", "message"),
    [
        (
            {"frame_rate": 5},
            {},
            r"^frame_rate is a keyword's spelling: pass frame_rate=\.\.\. .* in a mapping frameRate",
        ),
        ({"frameRat": 5}, {}, r"^PublisherProperties has no frameRat; did you mean frameRate\?$"),
        ({}, {"publishAudoi": False}, r"^PublisherProperties has no publishAudoi; did you mean publish_audio\?$"),
        ({}, {"frameRate": 5}, r"did you mean frame_rate\?$"),
        ({"zzz": 1}, {}, "has no zzz; it has audioSource, filter, frameRate, .*videoSource$"),
        ({5: 1}, {}, "has no 5; it has"),
        ("APPEND", {}, "^PublisherProperties is given as a mapping or by keywords, not as 'APPEND'$"),
        ([1], {}, "not as this list$"),
    ],
)
def test_unknown_name_is_refused_with_the_nearest_one(mapping: Any, keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(PropertiesError, match=message):
        properties(mapping, **keywords)


# --- times -----------------------------------------------------------------------------------------------------------


def test_times_are_seconds_as_keywords_and_milliseconds_in_mappings() -> None:
    by_keywords = settings(
        ice_connection_disconnected_exception_timeout=2.5,
        no_stream_playing_event_exception_timeout=8,
        publisher_speaking_events_options=SpeakingEventsOptions(interval=0.05, threshold=-60),
    )
    by_mapping = settings(
        {
            "iceConnectionDisconnectedExceptionTimeout": 2500,
            "noStreamPlayingEventExceptionTimeout": 8000,
            "publisherSpeakingEventsOptions": {"interval": 50, "threshold": -60},
        }
    )
    assert by_keywords == by_mapping
    assert by_mapping.policy.media.ice_disconnected_timeout == 2.5
    assert settings(publisher_speaking_events_options={"interval": 50}).publisher_speaking_events_options == (
        SpeakingEventsOptions(interval=0.05)
    ), "the unit follows the mapping, wherever it is"


def test_defaults_are_openvidus() -> None:
    made = settings()
    assert (made.ice_connection_disconnected_exception_timeout, made.no_stream_playing_event_exception_timeout) == (
        4,
        4,
    )
    assert made.publisher_speaking_events_options == SpeakingEventsOptions(interval=0.1, threshold=-50)


@pytest.mark.parametrize("name", [ICE_TIMEOUT, PLAYING_TIMEOUT])
def test_keyword_above_600_seconds_is_refused_and_600_is_not(name: str) -> None:
    with pytest.raises(PropertiesError, match=rf"^{name} is in seconds, and 4000 is more than 600: did you mean 4\?$"):
        settings(**{name: 4000})
    assert getattr(settings(**{name: 600}), name) == 600


@pytest.mark.parametrize(
    ("mapping", "keywords", "message"),
    [
        ({"noStreamPlayingEventExceptionTimeout": 0.5}, {}, r"is in milliseconds, and 0\.5 .* did you mean 500\?$"),
        ({"publisherSpeakingEventsOptions": {"interval": 0.1}}, {}, r"Options\.interval is in milliseconds.* 100\?$"),
        (
            {"publisherSpeakingEventsOptions": {"intervall": 5}},
            {},
            r"^publisherSpeakingEventsOptions has no intervall; did you mean interval\?$",
        ),
        ({}, {"publisher_speaking_events_options": SpeakingEventsOptions(100)}, r"interval is in seconds, .* 0\.1\?$"),
        ({}, {"publisher_speaking_events_options": 5}, "must be a SpeakingEventsOptions, not 5$"),
        (
            {"publisherSpeakingEventsOptions": {"threshold": "loud"}},
            {},
            "Options.threshold must be a number, not 'loud'",
        ),
    ],
)
def test_time_in_the_wrong_unit_and_nested_mistakes_are_named(
    mapping: dict[str, Any], keywords: dict[str, Any], message: str
) -> None:
    with pytest.raises(PropertiesError, match=message):
        settings(mapping, **keywords)


@pytest.mark.parametrize("value", [0, -1, "4000", True, None, math.nan, math.inf, 10**400, [4000]])
def test_time_that_is_no_number_above_0_is_refused(value: Any) -> None:
    with pytest.raises(PropertiesError, match=r"^noStreamPlaying.* must be a number of milliseconds above 0, not "):
        settings({"noStreamPlayingEventExceptionTimeout": value})
    with pytest.raises(PropertiesError, match=r"^no_stream_playing.* must be a number of seconds above 0, not "):
        settings(no_stream_playing_event_exception_timeout=value)


def test_longest_time_of_a_mapping_does_not_fail_when_a_session_connects() -> None:
    made = settings({"iceConnectionDisconnectedExceptionTimeout": 10_000_000})
    assert made.policy.media.ice_disconnected_timeout == 600


def test_policys_own_ice_timeout_counts_unless_openvidus_setting_is_changed() -> None:
    policy = ReconnectionPolicy(media=MediaPolicy(ice_disconnected_timeout=2))
    assert settings(reconnection=policy).policy is policy
    both = settings(reconnection=policy, ice_connection_disconnected_exception_timeout=7)
    assert both.policy.media.ice_disconnected_timeout == 7


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        (
            "iceServers",
            [{"url": "stun:x"}],
            "a list of RTCIceServer, each with its urls, 'freeice' or None, not this list",
        ),
        ("iceServers", "stun:x", "a list of RTCIceServer"),
        ("rtcConfiguration", [], "a Mapping or None"),
        ("forceMediaReconnectionAfterNetworkDrop", 1, "True or False, not 1"),
        ("rejoin", "token", "a Callable or None, not 'token'"),
        ("roster", [], "a Callable or None, not this list"),
        ("reconnection", AttemptPolicy(), "a ReconnectionPolicy.*, not this AttemptPolicy"),
        ("reconnection", ReconnectionPolicy(attempts=5), "a ReconnectionPolicy"),  # type: ignore[arg-type]
        ("reconnection", None, "a ReconnectionPolicy.*, not None"),
    ],
)
def test_setting_of_another_type_is_refused_when_it_is_given(name: str, value: Any, accepted: str) -> None:
    with pytest.raises(PropertiesError, match=f"^{name} must be {accepted}"):
        settings({name: value})


def test_settings_of_every_kind_are_accepted() -> None:
    policy = ReconnectionPolicy(attempts=AttemptPolicy(give_up_after=3600))
    made = settings(
        {
            "iceServers": ({"urls": "stun:x"}, {"urls": ["turn:y"], "username": "u", "credential": "c"}),
            "rtcConfiguration": {"iceTransportPolicy": "relay"},
            "rejoin": supply,
            "reconnection": policy,
        },
        roster=lambda: supply(),
    )
    assert made.reconnection is made.policy is policy
    assert settings({"iceServers": None, "rejoin": None}).ice_servers is None


def test_passwords_are_not_in_messages() -> None:
    with pytest.raises(PropertiesError) as refused:
        settings(ice_servers=[{"url": "turn:x", "credential": "a secret"}])
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("resolution", 640, "WIDTHxHEIGHT in pixels, for example 640x480, not 640"),
        *(
            ("resolution", text, "WIDTHxHEIGHT")
            for text in ("640", "x480", "640x", "bigx1", "", "0x480", "٣x٣", "1x2x3")
        ),
        ("frameRate", "30", "a number of frames per second above 0, or None, not '30'"),
        *(("frameRate", number, "a number of frames") for number in (0, -1, True, math.nan, math.inf)),
        ("insertMode", "append", "one of AFTER, APPEND, BEFORE, PREPEND, REPLACE, not 'append'"),
        ("insertMode", None, "one of AFTER"),
        ("insertMode", ["APPEND"], "one of AFTER"),
        ("publishAudio", "yes", "True or False, not 'yes'"),
        ("mirror", None, "True or False, not None"),
        ("audioSource", 5, "None, True, False, a text .* or a MediaStreamTrack of audio, not 5"),
        ("audioSource", Track("video"), "a MediaStreamTrack of audio, not this Track"),
        ("videoSource", {"exact": "x"}, "a MediaStreamTrack of video, not this dict"),
        ("videoSimulcast", 1, "True or False or None"),
    ],
)
def test_publisher_property_of_another_type_is_refused_when_it_is_given(name: str, value: Any, accepted: str) -> None:
    pattern = f".*{accepted}" if accepted.startswith("a MediaStreamTrack") else accepted
    with pytest.raises(PropertiesError, match=f"^{name} must be {pattern}"):
        properties({name: value})


def test_publisher_properties_of_every_kind_are_accepted() -> None:
    made = properties({"resolution": "1280X720", "audioSource": False, "videoSource": Track("video"), "frameRate": 7.5})
    assert made.size == (1280, 720), "openvidu-browser takes a large X too"
    assert properties(audio_source="a device", video_source="screen", frame_rate=None).video_source == "screen"


def test_subscriber_properties_are_checked_too() -> None:
    assert configured(SubscriberProperties, {"subscribeToAudio": False}, {}).subscribe_to_audio is False
    with pytest.raises(PropertiesError, match=r"^subscribe_to_video must be True or False, not 'no'$"):
        configured(SubscriberProperties, None, {"subscribe_to_video": "no"})


# --- properties without effect ---------------------------------------------------------------------------------------


def test_property_without_effect_stays_and_warns_once(caplog: pytest.LogCaptureFixture) -> None:
    wanted = {"screenShareChromeExtension": "https://chrome.google.com/webstore/x"}
    with caplog.at_level(logging.WARNING):
        first, second = (settings(wanted) for _ in range(2))
    assert first == second != AdvancedConfiguration()
    (told,) = caplog.messages
    assert told.startswith("screenShareChromeExtension has no effect: ")


def test_property_without_effect_that_is_off_does_not_warn(caplog: pytest.LogCaptureFixture) -> None:
    settings({"screenShareChromeExtension": None}, screen_share_chrome_extension=None)
    assert caplog.messages == []


# --- filters ---------------------------------------------------------------------------------------------------------


def test_filter_is_an_object_or_a_mapping_with_a_type_or_none() -> None:
    wanted = FilterInfo("GStreamerFilter", {"command": "videobox"})
    for given in ({"type": wanted.type, "options": wanted.options}, Filter(wanted.type, wanted.options)):
        assert described_filter(properties(filter=given).filter) == wanted
    assert described_filter(properties({"filter": {"type": "ZBarFilter"}}).filter) == FilterInfo("ZBarFilter")
    for nothing in (None, False):
        assert described_filter(properties(filter=nothing).filter) is None
    for wrong in (
        "GStreamerFilter",
        {},
        {"type": ""},
        {"type": 3},
        {"type": "ZBarFilter", "options": []},
        object(),
        True,
    ):
        with pytest.raises(PropertiesError, match="filter must be a Filter, or a mapping of type and options, or None"):
            properties(filter=wrong)


# --- the reconnection policy as a mapping ----------------------------------------------------------------------------


def test_reconnection_policy_is_accepted_as_a_mapping_with_times_in_milliseconds() -> None:
    given = {
        "attempts": {"giveUpAfter": 60_000, "limit": 7, "backoffCap": 2_500},
        "media": {"retries": 2, "pauseWeakVideo": False},
    }
    expected = ReconnectionPolicy(
        attempts=AttemptPolicy(give_up_after=60, limit=7, backoff_cap=2.5),
        media=MediaPolicy(retries=2, pause_weak_video=False),
    )
    assert settings({"reconnection": given}).reconnection == expected
    assert settings({"reconnection": {"attempts": {"giveUpAfter": None}}}).reconnection == ReconnectionPolicy()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"atempts": {}}, r"reconnection has no atempts; did you mean attempts\?"),
        ({"attempts": {"giveUp": 1}}, r"reconnection\.attempts has no giveUp; did you mean giveUpAfter\?"),
        ({"attempts": 5}, r"reconnection\.attempts must be a mapping, not 5"),
        (
            {"attempts": {"giveUpAfter": "soon"}},
            r"reconnection\.attempts\.giveUpAfter must be a number of milliseconds",
        ),
        ({"attempts": {"backoffCap": 0.5}}, r"in milliseconds, and 0\.5 is less than 1: did you mean 500\?"),
        ({"media": {"pauseWeakVideo": 1}}, r"reconnection\.media: .*pause_weak_video must be True or False"),
        ({"media": {"retries": -1}}, r"reconnection\.media: .*retries must be more than 0"),
    ],
)
def test_wrong_reconnection_policy_is_refused_with_the_place_of_the_mistake(given: Any, message: str) -> None:
    with pytest.raises(PropertiesError, match=message):
        settings({"reconnection": given})


def test_public_ice_servers_have_to_be_asked_for_by_their_name() -> None:
    assert settings({"iceServers": "freeice"}).ice_servers == "freeice"
    with pytest.raises(PropertiesError, match="'freeice' or None"):
        settings({"iceServers": "google"})
