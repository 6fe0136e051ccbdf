"""Rules of settings that are valid each, but contradict each other or mean nothing. No secret is shown."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches

from recruit_assets.observability.doctor.verdict import Verdict, counted, fail, ok, shown, warn
from recruit_assets.runtime.settings import PREFIX, RETIRED, STORE_ADDRESSES, AccountPasswords, Settings, variable

ADDRESSES = tuple(address for address, *_ in STORE_ADDRESSES)
ELSEWHERE = ("TEST_", "DOCKER_", "IMAGE", "PROMETHEUS_URL")
"""Beginnings of variables that the tests and the Docker setup read."""
KNOWN = (*Settings.model_fields, *(f"account_{role}" for role in AccountPasswords.model_fields), *RETIRED)


def names(variables: Collection[str]) -> Verdict:
    """The RECRUIT_ variables of the environment; one that nobody reads was probably misspelt."""
    ours = sorted(name.removeprefix(PREFIX) for name in variables if name.startswith(PREFIX))
    unknown = [name for name in ours if name.lower() not in KNOWN and not name.startswith(ELSEWHERE)]
    if unknown:
        return warn(f"{shown(_question(name) for name in unknown)}", "correct or unset it; nothing reads it")
    return ok(f"{counted(len(ours), 'RECRUIT_ variable')} in the environment, nothing misspelt")


def addresses(settings: Settings, local: Mapping[str, object]) -> Verdict:
    """`local` has the addresses of running local engines: all should be theirs, or none."""
    missing = [variable(name) for name in ADDRESSES if not getattr(settings, name)]
    if missing:
        return fail(f"{shown(missing)} not set, and no local engine is running", "run `recruit-assets engines start`")
    others = [name for name in ADDRESSES if local and getattr(settings, name) != local.get(name)]
    if others and len(others) < len(ADDRESSES):
        return warn(
            f"{shown(map(variable, others))} names another server, the other stores are the local engines",
            "unset it, or set the addresses of all stores",
        )
    return ok("all stores are the local engines" if local and not others else "all addresses are set")


def logins(settings: Settings) -> Verdict:
    if settings.analyst_password.get_secret_value() and settings.analyst_user == settings.mysql_user:
        return fail(
            f"RECRUIT_ANALYST_USER and RECRUIT_MYSQL_USER are both {settings.mysql_user}",
            "give analysts a login of their own",
        )
    operator, viewer = settings.ui_operator_password.get_secret_value(), settings.ui_viewer_password.get_secret_value()
    if operator and operator == viewer:
        return warn(
            "RECRUIT_UI_OPERATOR_PASSWORD and RECRUIT_UI_VIEWER_PASSWORD are the same: every viewer can operate",
            "change one of them",
        )
    if settings.ui_hosts and not operator and not viewer:
        return warn(
            f"RECRUIT_UI_HOSTS is {settings.ui_hosts}, but the UI asks for no login: everybody can operate",
            "set RECRUIT_UI_OPERATOR_PASSWORD",
        )
    return ok("the logins differ")


def spark(settings: Settings) -> Verdict:
    if settings.spark_remote and not settings.spark_master.startswith("local"):
        return warn(
            f"RECRUIT_SPARK_REMOTE and RECRUIT_SPARK_MASTER ({settings.spark_master}) are set: the master is not used",
            "unset one of them",
        )
    return ok("one Spark is named")


def privacy_key(settings: Settings) -> Verdict:
    if settings.privacy_key.get_secret_value() and settings.privacy != "pseudonymise":
        return warn(
            f"RECRUIT_PRIVACY_KEY is set, but RECRUIT_PRIVACY is {settings.privacy}: nothing is pseudonymised",
            "set RECRUIT_PRIVACY to pseudonymise, or unset the key",
        )
    return ok(f"RECRUIT_PRIVACY is {settings.privacy}")


def _question(name: str) -> str:
    near = get_close_matches(name.lower(), KNOWN, n=1, cutoff=0.8)
    return f"{PREFIX}{name} isn't a setting" + (f" (is it {variable(near[0])}?)" if near else "")
