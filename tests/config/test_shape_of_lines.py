"""Fields of the process, presets, keys and time zones are options: found, merged, and refused where they make no good lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unified_logger import ConfigurationError, load_config
from unified_logger.config.resolve import resolve


def fields(environ: dict[str, str] | None = None, **options: Any) -> dict[str, Any]:
    """The fields of the process."""
    return dict(resolve(options, environ=environ or {}).process_fields)


def test_nothing_is_there_without_being_asked_for() -> None:
    """No field, and the record's own keys."""
    environ = {"POD_NAME": "p-1", "NODE_NAME": "n-1", "HOSTNAME": "h"}
    settings = resolve({}, environ=environ)
    assert (settings.process_fields, settings.shape, settings.shapes, settings.notices) == ((), {}, {}, ())


def test_the_variables_of_open_telemetry_are_found() -> None:
    """The name of the service has its own variable, which wins; attributes are percent-encoded."""
    environ = {
        "OTEL_SERVICE_NAME": "orders",
        "OTEL_RESOURCE_ATTRIBUTES": "service.name=other, service.version = 1.2 ,deployment.environment=prod%20eu,team=a%2Cb,",
    }
    assert fields(environ) == {"service": "orders", "version": "1.2", "env": "prod eu", "team": "a,b"}
    assert fields(environ, fields_from="none") == {}
    del environ["OTEL_SERVICE_NAME"]
    assert fields(environ)["service"] == "other"


@pytest.mark.parametrize("text", ["service.name=x,oops", "=x", "a=%2", "a=%zz", "a=%ff"])
def test_a_variable_of_open_telemetry_with_an_error_counts_for_nothing(text: str) -> None:
    """As its specification has it; a notice tells it."""
    settings = resolve({}, environ={"OTEL_RESOURCE_ATTRIBUTES": text, "OTEL_SERVICE_NAME": "orders"})
    assert settings.process_fields == (("service", "orders"),)
    assert "OTEL_RESOURCE_ATTRIBUTES is left out" in settings.notices[0]


def test_an_attribute_with_the_name_of_a_key_is_left_out_and_told() -> None:
    """The others stay: the variable is set for many programs."""
    settings = resolve({}, environ={"OTEL_RESOURCE_ATTRIBUTES": "level=3,team=a"})
    assert settings.process_fields == (("team", "a"),)
    assert "'level'" in settings.notices[0]


def test_the_variables_of_kubernetes_are_found_where_asked_for() -> None:
    """By their conventional names; if none is there, a notice tells it."""
    environ = {"POD_NAME": "p-1", "K8S_NAMESPACE": "shop", "MY_NODE_NAME": "n-1", "OTEL_SERVICE_NAME": "orders"}
    found = {"pod": "p-1", "namespace": "shop", "node": "n-1"}
    assert fields(environ, fields_from=["kubernetes"]) == found
    assert fields({**environ, "UNIFIED_LOGGER_FIELDS_FROM": "otel, kubernetes"}) == {**found, "service": "orders"}
    settings = resolve({"fields_from": ["kubernetes"]}, environ={})
    assert "none of POD_NAME" in settings.notices[0]


def test_fields_are_merged_name_by_name(write: Callable[[str], Path]) -> None:
    """Argument over environment over file over what is found; null removes a field."""
    file = load_config(write("fields: {service: file, env: file, region: no, canary: true, version: '1.10'}\n"))
    environ = {"OTEL_SERVICE_NAME": "found", "UNIFIED_LOGGER_FIELDS": "env=environment, team=core"}
    settings = resolve({"fields": {"team": "argument", "region": None, "n": 3}}, file=file, environ=environ)
    assert dict(settings.process_fields) == {
        "service": "file",
        "env": "environment",
        "canary": True,
        "version": "1.10",
        "team": "argument",
        "n": 3,
    }


def test_a_field_given_as_open_telemetry_calls_it_stands_for_the_one_that_is_found() -> None:
    """It keeps the name under which it is given."""
    assert fields({"OTEL_SERVICE_NAME": "found"}, fields={"service.name": "given"}) == {"service.name": "given"}


def test_the_environment_gives_fields_as_json_too() -> None:
    """Then values have types."""
    assert fields({"UNIFIED_LOGGER_FIELDS": '{"service": "orders", "shard": 3}'}) == {"service": "orders", "shard": 3}


@pytest.mark.parametrize(
    ("options", "key", "allowed"),
    [
        ({"fields": {"level": "x"}}, "fields.level", "a field by another name"),
        ({"fields": {"a": [1]}}, "fields.a", "a text, a number"),
        ({"fields": {"": "x"}}, "fields.", "the value of a field by its name"),
        ({"fields": {"service": "a", "service.name": "b"}}, "fields.service.name", "under one name only"),
        ({"fields": {"error": "x"}, "preset": "ecs"}, "fields.error", "a field by another name"),
        ({"fields_from": ["aws"]}, "fields_from", "otel and kubernetes"),
        ({"preset": "esc"}, "preset", "none, ecs, gcp, datadog, otel"),
        ({"keys": {"rename": {"level": "message"}}}, "keys.rename.level", "a name of its own"),
        ({"keys": {"rename": {"a": "x", "b": "x"}}}, "keys.rename.b", "a name of its own"),
        ({"keys": {"omit": ["level"]}, "preset": "ecs"}, "keys.omit", "log.level"),
        ({"keys": {"first": ["order"]}}, "keys.first", "the name of a key of the line"),
        ({"keys": {"first": ["level"], "omit": ["level"]}}, "keys.first", "not left out"),
        ({"keys": {"ommit": []}}, "keys.ommit", "rename, omit, first"),
        ({"keys": {"rename": {"\udc80": "x"}}}, "keys.rename.\udc80", "a name in UTF-8"),
        ({"time_zone": "Europe/Berlni"}, "time_zone", "the name of a time zone"),
        ({"outputs": {"app": {"keys": {"first": ["x"]}}}}, "outputs.app.keys.first", "the name of a key"),
        ({"outputs": {"app": {"format": "text", "preset": "ecs"}}}, "outputs.app.preset", "have no keys"),
        ({"outputs": {"app": {"time_zone": "nowhere"}}}, "outputs.app.time_zone", "the name of a time zone"),
    ],
)
def test_what_makes_no_good_lines_is_refused(options: dict[str, Any], key: str, allowed: str) -> None:
    """At the start, with the key and what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        resolve(options, environ={})
    assert caught.value.key == key
    assert allowed in caught.value.allowed


def test_the_source_of_a_wrong_field_is_named() -> None:
    """The last that has it."""
    with pytest.raises(ConfigurationError, match="environment variable UNIFIED_LOGGER_FIELDS") as caught:
        resolve({"fields": {"service": "x"}}, environ={"UNIFIED_LOGGER_FIELDS": "message=hello"})
    assert caught.value.value == "hello"


@pytest.mark.parametrize("text", ["\udc80=x", "\udc80=", '{"\udc80": "x"}'])
def test_a_name_in_a_variable_is_in_utf_8(text: str) -> None:
    """Other bytes come as halves of surrogates, which no record can have. Seen to fail (UnicodeEncodeError) with pairs not looked at."""
    with pytest.raises(ConfigurationError, match="environment variable UNIFIED_LOGGER_FIELDS") as caught:
        fields({"UNIFIED_LOGGER_FIELDS": text})
    assert caught.value.key == "fields.\udc80"


def test_an_output_has_a_shape_of_its_own() -> None:
    """What it does not give it has of the options; keys only with their preset, whose names they have."""
    options = {
        "preset": "ecs",
        "keys": {"omit": ["ecs.version"]},
        "time_zone": "local",
        "outputs": {
            "app": {"preset": "none"},
            "errors": {"time_zone": "utc"},
            "console": {"keys": {"omit": ["log.logger"]}},
            "ai": {"level": "INFO"},
        },
    }
    settings = resolve(options, environ={})
    general = {"preset": "ecs", "keys": {"rename": [], "omit": ("ecs.version",), "first": ()}, "zone": "local"}
    assert settings.shape == general
    assert settings.shapes == {
        "app": {"zone": "local"},
        "errors": {key: value for key, value in general.items() if key != "zone"},
        "console": {**general, "keys": {"rename": [], "omit": ("log.logger",), "first": ()}},
    }
    outputs = settings.to_engine()["output"]["to"]["outputs"]
    assert outputs["app"]["format"] == {"name": "json", "zone": "local"}
    assert outputs["ai"]["format"] == {"name": "json", **general}


def test_functions_get_the_keys_of_the_record_unless_their_output_says_otherwise() -> None:
    """A preset is for a store; a function of the program knows records."""
    outputs = {"f": {"function": print}, "g": {"function": print, "form": "line", "preset": "gcp"}}
    settings = resolve({"preset": "ecs", "time_zone": "local", "outputs": outputs}, environ={})
    formats = {name: output["format"] for name, output in settings.to_engine()["output"]["to"]["outputs"].items()}
    assert formats["f"] == {"name": "json"}
    assert formats["g"] == {"name": "json", "preset": "gcp"}


def test_lines_of_text_have_no_shape() -> None:
    """The console for people stays as it is."""
    options = {"preset": "ecs", "console_format": "text", "outputs": {"t": {"file": "t.log", "format": "text"}}}
    outputs = resolve(options, environ={}).to_engine()["output"]["to"]["outputs"]
    assert "preset" not in outputs["console"]["format"]
    assert "preset" not in outputs["t"]["format"]
    assert outputs["app"]["format"]["preset"] == "ecs"


def test_the_project_of_google_cloud_is_found() -> None:
    """In its variable, unless a field has it."""
    environ = {"GOOGLE_CLOUD_PROJECT": "shop-1"}
    assert resolve({"preset": "gcp"}, environ=environ).shape == {"preset": "gcp", "project": "shop-1"}
    assert resolve({"preset": "ecs"}, environ=environ).shape == {"preset": "ecs"}
    given = {"preset": "gcp", "fields": {"cloud.account.id": "shop-2"}}
    assert resolve(given, environ=environ).shape == {"preset": "gcp"}
