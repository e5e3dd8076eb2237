"""Decides which certificate is served, and puts it in place."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from moorage_appliance.certificate.keeping import AuthorityBrokenError, Keeping, for_now
from moorage_appliance.certificate.model import Described, Names, Served, Source, Supplied
from moorage_appliance.certificate.placing import place
from moorage_appliance.certificate.supplied import checked
from moorage_appliance.certificate.x509s import described, read_certificate
from moorage_appliance.files import put
from moorage_appliance.pem import blocks
from moorage_appliance.problem import Problem


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is served now.

    Attributes:
        changed: whether nginx has to read it anew.
    """

    source: Source
    certificate: Described
    changed: bool
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class CertificateService:
    """The certificate of one appliance.

    Args:
        tls: where nginx reads.
        kept: where authority and own certificate outlive the system disk; None while that disk is missing.
    """

    tls: Path
    kept: Path | None

    def settle(
        self, supplied: Supplied, names: Names, now: datetime, *, anew: bool = False, authority: bool = False
    ) -> Outcome:
        """Serve with the supplied certificate; without one, with the appliance's own.

        A supplied one that cannot be used is told of, and the own one serves the page that says so.

        Args:
            anew: make the own certificate anew even if it could go on.
            authority: make the authority anew as well, which clients then have to trust.
        """
        if not supplied.given:
            served, problems = self._own(names, now, anew=anew, authority=authority)
            return self._place(Source.OWN, served, problems)
        found, problems = checked(supplied, names, now)
        if found is not None:
            return self._place(Source.SUPPLIED, found, problems)
        served, more = self._own(names, now, anew=anew, authority=authority)
        return self._place(Source.STAND_IN, served, (*problems, *more))

    def _own(
        self, names: Names, now: datetime, *, anew: bool, authority: bool
    ) -> tuple[Served, tuple[Problem, ...]]:
        if self.kept is None:
            return for_now(names, now), ()
        keeping = Keeping(self.kept)
        try:
            if authority:
                keeping.renew_authority(now)
            return keeping.server(names, now, anew=anew), ()
        except AuthorityBrokenError as error:
            problem = Problem(
                "",
                f"The appliance's own authority cannot be used: {error}.",
                "Mend the clock if it is wrong, or restore a backup, or make a new authority, which clients "
                "have to trust: moorage-appliance certificate renew --authority.",
            )
            return for_now(names, now), (problem,)

    def _place(self, source: Source, served: Served, problems: tuple[Problem, ...]) -> Outcome:
        changed = place(self.tls, served)
        put(self.tls / "source", source.value + "\n")
        shown = described(read_certificate(blocks(served.certificate)[0]))
        return Outcome(source, shown, changed, problems)


def served_now(tls: Path) -> tuple[Source, tuple[Described, ...], Described | None]:
    """What nginx serves with: whose it is, the chain from the server's certificate on, and the authority.

    Raises:
        OSError: nothing is in place yet.
    """
    chain = tuple(described(read_certificate(each)) for each in blocks((tls / "server.crt").read_text()))
    try:
        authority = described(read_certificate(blocks((tls / "ca.crt").read_text())[0]))
    except OSError:
        authority = None
    return Source((tls / "source").read_text().strip()), chain, authority
