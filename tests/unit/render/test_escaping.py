"""Whatever a tenant writes, it arrives in files as text and never as code."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitsi_tenant_operator import render
from jitsi_tenant_operator.api.model import InvalidObjectError
from jitsi_tenant_operator.render.configuration import html, javascript
from jitsi_tenant_operator.render.environment import Environment

if TYPE_CHECKING:
    from tests.unit.render.conftest import MakeContext

NASTY = (
    "'",
    '"',
    "\\",
    "`",
    "\n",
    "\u2028",
    "${",
    "}",
    "$(HOST_IP)",
    "{{",
    "}}",
    "{%",
    "</script>",
    "<!--#include virtual='/http-bind'-->",
    "//",
    "/*",
    "]]",
    "é",
    "漢",
    "🎥",
)
TEXTS = st.lists(st.sampled_from(NASTY) | st.text(max_size=8), max_size=12).map("".join)
LINES = TEXTS.filter(lambda text: re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", text) is None)
NOT_IN_HTML = r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff\U0001fffe-\U0010ffff]"
"""Control characters and non-characters, which HTML can neither hold nor refer to."""
NODE = shutil.which("node")


def web_files(make: MakeContext, **branding: str) -> dict[str, str]:
    children = render.tenant(make({"branding": branding}))
    found = next(
        body for ref, body in children.items() if (ref.kind, ref.name) == ("ConfigMap", "acme-web")
    )
    data: dict[str, str] = found["data"]
    return data


def assigned(script: str, name: str) -> object:
    """What `script` assigns to `name`, read as JSON, of which JavaScript is a superset."""
    values = re.findall(rf"(?m)^{re.escape(name)} = (.*);$", script)
    assert len(values) == 1
    return json.loads(values[0])


class Text(HTMLParser):
    """Collects the elements and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.tags.append("comment")


@given(TEXTS)
def test_javascript_gives_the_text_back(text: str) -> None:
    literal = javascript(text)
    assert json.loads(literal) == text
    assert literal.isascii()
    assert not re.search(r"[<>&'\x00-\x1f]", literal)


@given(TEXTS.filter(lambda text: re.search(NOT_IN_HTML, text) is None))
def test_html_gives_the_text_back_as_one_text(text: str) -> None:
    page = Text()
    page.feed(f"<p>{html(text)}</p>")
    page.close()
    assert page.tags == ["p"]
    assert page.text == text


@settings(deadline=None)  # other work on the machine must not fail it
@given(LINES.filter(bool).map(lambda text: text[:128]))
def test_the_application_name_arrives_as_it_was_written(make: MakeContext, text: str) -> None:
    script = web_files(make, applicationName=text)["custom-interface_config.js"]
    assert assigned(script, "interfaceConfig.APP_NAME") == text
    assert assigned(script, "interfaceConfig.PROVIDER_NAME") == text


@settings(deadline=None)
@given(LINES.filter(bool))
def test_hostile_text_changes_no_other_line(make: MakeContext, text: str) -> None:
    def lines(name: str) -> list[str]:
        script = web_files(make, applicationName=name)["custom-interface_config.js"]
        return [line.split(" = ")[0] for line in script.split("\n")]

    assert lines(text[:128]) == lines("harmless")


def test_server_side_includes_of_nginx_find_nothing(make: MakeContext) -> None:
    text = "<!--#include virtual='/http-bind'--> <!--# echo var='subdir' -->"
    files = web_files(make, applicationName=text, welcomeText=text)
    assert not any("<!--" in content for content in files.values())


@pytest.mark.skipif(NODE is None, reason="needs node")
def test_a_browser_engine_reads_what_was_written(make: MakeContext) -> None:
    text = "".join(each for each in NASTY if each not in {"\n", "\u2028"})[:128]
    files = web_files(make, applicationName=text)
    program = (
        "var config = { p2p: {} }, interfaceConfig = {};\n"
        f"{files['custom-config.js']}{files['custom-interface_config.js']}"
        "console.log(JSON.stringify([config, interfaceConfig]));"
    )
    assert NODE is not None
    answer = subprocess.run(
        [NODE, "-"], input=program, capture_output=True, text=True, check=True, timeout=30
    )
    config, interface = json.loads(answer.stdout)
    assert interface["APP_NAME"] == text
    assert config["p2p"] == {"stunServers": []}


@given(TEXTS)
def test_kubernetes_expands_nothing_in_a_text(text: str) -> None:
    (_, variable) = Environment().text("NAME", text)
    assert expanded(variable["value"], {"HOST_IP": "192.0.2.1"}) == text


def expanded(value: str, known: dict[str, str]) -> str:
    """Kubernetes' expansion of $(NAME), as third_party/forked/golang/expansion does it."""
    result, index = "", 0
    while index < len(value):
        if value[index] != "$" or index + 1 == len(value):
            result += value[index]
            index += 1
        elif value[index + 1] == "$":
            result += "$"
            index += 2
        elif value[index + 1] == "(" and (end := value.find(")", index)) > 0:
            name = value[index + 2 : end]
            result += known.get(name, f"$({name})")
            index = end + 1
        else:
            result += "$"
            index += 1
    return result


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        ("access", "jwt", {"appId": 'a" }; os.execute("x'}),
        ("access", "ldap", {"url": "ldaps://x", "base": "dc=x\nldap_filter: uid=*"}),
        ("meetings", "language", "fr'; alert(1); '"),
        ("branding", "logoLink", 'https://x/";alert(1)//'),
        ("branding", "backgroundColor", "#000;}"),
    ],
)
def test_what_the_images_paste_into_files_unescaped_is_refused(
    make: MakeContext, section: str, field: str, value: object
) -> None:
    with pytest.raises(InvalidObjectError, match=f"spec.{section}.{field}"):
        make({section: {field: value}})
