"""What a caller may do outside projects, for routes whose access does not say it all."""

from moorage.identity.model import Principal
from moorage.projects.model import AccountStanding, SystemPermission
from moorage.projects.rules import system_permitted
from moorage.services import Services


def account_of(services: Services, principal: Principal) -> AccountStanding:
    """What the account is outside projects, right now."""
    return services.access.account(principal.kind, principal.id, principal.generation)


def may(services: Services, principal: Principal, permission: SystemPermission) -> bool:
    """Whether the account may do this outside projects, right now."""
    return system_permitted(account_of(services, principal), permission)
