"""Asking a language model for short texts: through the Hub with the user's own login, or on a server of their own.

What comes back are proposals by a stranger. They are parsed strictly, cleaned and limited, and nothing is done with
them here. The token is never logged, shown, or sent to a server that does not belong to the Hub.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from huggingface_hub import InferenceClient, constants, get_token
from huggingface_hub.errors import HfHubHTTPError, InferenceTimeoutError, OfflineModeIsEnabled

from ga2app.errors import LanguageModelError
from ga2app.hub.hub_client import HTTPError, scrubbed
from ga2app.labels import LabelNames, label_key, tidy, visible
from ga2app.types import ProposalKind
from ga2app.untrusted import parse_json

TIMEOUT_S = 60.0
MAX_COUNT = 50
MAX_LABELS = 500
MAX_ANSWER_CHARACTERS = 20_000
MAX_CHARACTERS = 60
MAX_WORDS = 8
MAX_SENTENCES = 10
SENTENCE_CHARACTERS, SENTENCE_WORDS = 300, 30
LABELS_AT_ONCE = 20
"""Labels of one question for descriptions: answers to more are cut off."""

_HUB_HOSTS = ("huggingface.co", "huggingface.cloud")
_NO_TOKEN = "none"
"""Sent to a server of the user's own: left to itself, the client would send the Hub's token there."""

_NOT_SERVED = re.compile(r"model\b.*\b(not exist|not found|not supported|not available|unknown)", re.IGNORECASE)

_WISHES = {
    ProposalKind.NEGATIVE: (
        "negative prompts: short descriptions of things, places, looks or states that may be seen in a video in which "
        "none of these actions happens, such as 'an empty room' or 'something else'"
    ),
    ProposalKind.CAPTION: (
        "captions of short clips that are easy to find or to film and show none of these actions and no person at "
        "all, such as 'rain on a window' or 'a clock ticking'"
    ),
}


def own_login() -> bool:
    """Whether a person is logged in at the Hub on this machine and it may be asked.

    Never on a Space: its login is its owner's, and whoever visits it would spend the owner's credit.
    """
    return not os.environ.get("SPACE_ID") and not constants.is_offline_mode() and bool(get_token())


def propose(
    model: str,
    labels: Sequence[str],
    kind: ProposalKind,
    count: int,
    *,
    endpoint: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> list[str]:
    """At most ``count`` short texts of ``kind`` that ``model`` proposes for ``labels``, cleaned, each once.

    ``model`` is one that the Hub serves, asked with the user's login. With ``endpoint``, the URL of a server that
    speaks the chat-completion route, it is one that this server knows; the login is used only if the server is the
    Hub's. Raises LanguageModelError.
    """
    if not 1 <= count <= MAX_COUNT or not 1 <= len(labels) <= MAX_LABELS:
        raise LanguageModelError(
            f"{count} proposals for {len(labels)} labels were asked for; ask for 1 to {MAX_COUNT} proposals for "
            f"1 to {MAX_LABELS} labels"
        )
    text, who = _answer(model, _request(labels, kind, count), endpoint, timeout_s)
    return parse(text, labels, count, who)


def propose_descriptions(
    model: str,
    labels: Sequence[str],
    count: int,
    *,
    endpoint: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> dict[str, tuple[str, ...]]:
    """At most ``count`` sentences for each of ``labels`` that say what it looks like, proposed by ``model``.

    Cleaned, each once; a label of which nothing usable was said is left out. ``model`` and ``endpoint`` as for
    ``propose``. Raises LanguageModelError, also where nothing is left.
    """
    if not 1 <= count <= MAX_SENTENCES or not 1 <= len(labels) <= MAX_LABELS:
        raise LanguageModelError(
            f"{count} sentences for each of {len(labels)} labels were asked for; ask for 1 to {MAX_SENTENCES} for "
            f"1 to {MAX_LABELS} labels"
        )
    found: dict[str, tuple[str, ...]] = {}
    for first in range(0, len(labels), LABELS_AT_ONCE):
        some = labels[first : first + LABELS_AT_ONCE]
        text, who = _answer(model, _request_descriptions(some, count), endpoint, timeout_s)
        found |= parse_descriptions(text, some, count, who)
    return found


def parse_descriptions(
    text: str, labels: Sequence[str], count: int, who: str = "the language model"
) -> dict[str, tuple[str, ...]]:
    """The sentences by label of an answer that is a JSON object of lists of strings and nothing else, as in ``parse``.

    Without names that are none of ``labels``, unprintable characters, and sentences of more than ``SENTENCE_WORDS``
    words or ``SENTENCE_CHARACTERS`` characters. Raises LanguageModelError for anything else, and when nothing is left.
    """
    said = _json_of(text)
    if not isinstance(said, dict) or not all(isinstance(item, list | str) for item in said.values()):
        raise LanguageModelError(f"{who} did not answer with sentences by label; ask again, or choose another model")
    known, found = LabelNames(labels), dict[str, tuple[str, ...]]()
    for name, items in said.items():
        label, sentences = known.find(name), dict[str, str]()
        for item in [items] if isinstance(items, str) else items:
            plain = visible(_printable(item)).strip(" \"'`*-•") if isinstance(item, str) else ""
            if plain and len(plain) <= SENTENCE_CHARACTERS and len(plain.split()) <= SENTENCE_WORDS:
                sentences.setdefault(label_key(plain), plain)
        if label is not None and sentences:
            found[label] = tuple(sentences.values())[:count]
    if not found:
        raise LanguageModelError(f"{who} proposed nothing that can be used; ask again, or choose another model")
    return found


def _answer(model: str, question: str, endpoint: str | None, timeout_s: float) -> tuple[str, str]:
    """What ``model`` says to ``question``, and what to call it; raises LanguageModelError."""
    server = _Server.at(model, endpoint)
    token = server.token()
    if endpoint is None and not token.startswith("hf_"):
        raise LanguageModelError(f"{server.name}: your token is not one of the Hub's; log in with: hf auth login")
    client = InferenceClient(model=None if endpoint else model, base_url=endpoint, token=token, timeout=timeout_s)
    try:
        answer = client.chat_completion(
            [{"role": "user", "content": question}], model=model, max_tokens=2048, temperature=0.3
        )
        text = answer.choices[0].message.content
    except (HTTPError, ConnectionError, TimeoutError) as exc:
        raise LanguageModelError(_explain(exc, server, token)) from exc
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as exc:
        # How the client complains of an answer that is not of the chat-completion route.
        raise LanguageModelError(f"{server.name} did not answer as a chat model does; choose another model") from exc
    return text or "", server.name


def _json_of(text: str) -> Any:
    """The value of an answer that is JSON but for a fence or thoughts before it; None for any other."""
    bare = re.sub(r"^\s*<think>.*?</think>", "", text, flags=re.DOTALL).strip()
    fenced = re.fullmatch(r"```(?:json)?\s*(.*?)\s*```", bare, flags=re.DOTALL)
    try:
        return parse_json(fenced[1] if fenced else bare) if len(text) <= MAX_ANSWER_CHARACTERS else None
    except ValueError:
        return None


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def parse(text: str, labels: Sequence[str], count: int, who: str = "the language model") -> list[str]:
    """The texts of an answer that is a JSON list of strings and nothing else, but for a fence or thoughts before it.

    Cleaned of odd space, quotes, final points and unprintable characters; without labels, duplicates and what is
    longer than ``MAX_WORDS`` words or ``MAX_CHARACTERS`` characters; ``count`` at most. Raises LanguageModelError for
    anything else, and when nothing is left.
    """
    items = _json_of(text)
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise LanguageModelError(f"{who} did not answer with a list of texts; ask again, or choose another model")
    taken = {label_key(label) for label in labels}
    found: dict[str, str] = {}
    for item in items:
        text = tidy(_printable(item).strip(" \"'`.;,*-•"))
        if text and label_key(text) not in taken and len(text) <= MAX_CHARACTERS and len(text.split()) <= MAX_WORDS:
            found.setdefault(label_key(text), text)
    if not found:
        raise LanguageModelError(f"{who} proposed nothing that can be used; ask again, or choose another model")
    return list(found.values())[:count]


def _request(labels: Sequence[str], kind: ProposalKind, count: int) -> str:
    return (
        f"A video classifier knows these actions: {json.dumps(list(labels), ensure_ascii=False)}. "
        f"Propose {count} {_WISHES[kind]}. Each at most {MAX_WORDS} English words, in lower case, all of them "
        "different from each other and from the actions. Answer with a JSON list of strings and nothing else."
    )


def _request_descriptions(labels: Sequence[str], count: int) -> str:
    return (
        f"For each of these actions in videos: {json.dumps(list(labels), ensure_ascii=False)}, write {count} "
        "plain English sentences that say what a frame of the video looks like: the person's pose and movement, the "
        f"object and the place, such as 'a person pulls a brush through long hair'. Each at most {SENTENCE_WORDS} "
        "words. Answer with a JSON object that has each action, spelled as here, and the list of its sentences, and "
        "nothing else."
    )


@dataclass(frozen=True)
class _Server:
    """Who is asked: its ``name`` in messages, and whether it is the Hub's."""

    name: str
    hub: bool

    @classmethod
    def at(cls, model: str, endpoint: str | None) -> _Server:
        """The server that serves ``model``. Raises LanguageModelError for a name or an address that is none."""
        if not model.strip() or "://" in model:
            # The client takes a URL for a server and would send it the token.
            raise LanguageModelError(
                "a language model goes by its name, like Qwen/Qwen3-8B; a server's address is given as the endpoint"
            )
        if endpoint is None:
            return cls(f"language model '{model}'", hub=True)
        try:
            url, home = urlsplit(endpoint), urlsplit(constants.ENDPOINT)
            host, port = url.hostname, url.port
        except ValueError:
            url, host, port = urlsplit(""), None, None
        if url.scheme not in ("http", "https") or not host:
            raise LanguageModelError("the server's address cannot be read; write it like http://127.0.0.1:8080/v1")
        known = url.scheme == "https" and any(f".{host}".endswith(f".{hub}") for hub in _HUB_HOSTS)
        # No more than host and port is ever shown: the rest of an address may hold a secret.
        name = f"language model '{model}' at {host}{f':{port}' if port else ''}"
        return cls(name, hub=known or (url.scheme, url.netloc) == (home.scheme, home.netloc))

    def token(self) -> str:
        """The token to send there; raises LanguageModelError where the user's own is needed and there is none."""
        if not self.hub:
            return _NO_TOKEN
        if constants.is_offline_mode():
            raise LanguageModelError(_offline(self.name))
        token = get_token()
        if not token:
            raise LanguageModelError(
                f"{self.name} is asked with your own login and you are not logged in; log in with: hf auth login"
            )
        return token


def _offline(name: str) -> str:
    return f"{name} cannot be asked because HF_HUB_OFFLINE is set; unset it, or do without a language model"


def _explain(exc: BaseException, server: _Server, token: str) -> str:
    """What a fault of a server or on the way to it means for the user: what, why, and what to do next."""
    name = server.name
    if isinstance(exc, OfflineModeIsEnabled):
        return _offline(name)
    if isinstance(exc, InferenceTimeoutError | TimeoutError):
        return f"{name} took too long to answer; try again, or choose a smaller model"
    if not isinstance(exc, HfHubHTTPError):
        return f"{name} cannot be reached ({type(exc).__name__}); check the network and the address"
    status = exc.response.status_code
    said = scrubbed(str(exc.server_message or ""), token)
    if status in (401, 403) and not server.hub:
        return f"{name} wants a login; yours at the Hub is not shown to other servers, so choose one that asks for none"
    if status == 401:
        return f"{name}: the Hub did not accept your token; log in again with: hf auth login"
    if status == 402:
        return f"{name}: your credit for language models is used up; see https://huggingface.co/settings/billing"
    if status == 403:
        return f"{name}: your token may not ask language models; make one that may, then: hf auth login"
    if status == 404 or (status == 400 and _NOT_SERVED.search(said)):
        where = "https://huggingface.co/models?inference_provider=all" if server.hub else "those that the server lists"
        return f"{name} is not served; choose one of {where}"
    if status == 429:
        return f"{name} was asked too often; wait a minute, then ask again"
    if status >= 500:
        return f"{name} is not available now (status {status}); try again in a few minutes, or choose another model"
    return f"{name} refused the question (status {status}{f': {said}' if said else ''}); choose another model"
