"""Config -> Policy: what the organisation decided, and its people."""

from monitor.config import Config
from monitor.domain.people import People, Person
from monitor.domain.waiver import Waiver
from monitor.policy.settings import Campaigns, Hold, Policy, Quarterly


def policy(config: Config) -> Policy:
    """Return the organisation's policy."""
    given = config.policy
    return Policy(
        page_at=given.page_at,
        ticket_at=given.ticket_at,
        exit_at=given.exit_at,
        cooldown=given.cooldown,
        channel=given.channel,
        channels_by_owner=given.channels_by_owner,
        channels_by_tier={int(tier): channel for tier, channel in given.channels_by_tier.items()},
        waivers=tuple(
            Waiver(each.rule, each.server, each.subject, each.reason, each.by, each.expires) for each in given.waivers
        ),
        look_every=given.look_every,
        advise_every=given.advise_every,
        silent_after=given.silent_after,
        host_silent_after=given.host_silent_after,
        roots_old_after=config.verification.warn_after,
        epss_at=given.epss_at,
        people=_people(config),
        hold=Hold(config.reviews.hold, config.reviews.hold_security_fix),
        campaigns=Campaigns(config.reviews.campaigns.at, config.reviews.campaigns.within),
        quarterly=Quarterly(
            config.reviews.quarterly.answer_within,
            config.reviews.quarterly.unseen_after,
            {owner: frozenset(names) for owner, names in config.slack.mentions.items()},
        ),
        expires_after={int(tier): length for tier, length in config.reviews.expires_after.items()},
        escalate_after=given.escalate_after,
        escalate_to=given.escalate_to,
    )


def _people(config: Config) -> People:
    given = config.reviews
    persons = tuple(
        Person(name, each.jira, each.slack, each.github, each.account) for name, each in config.people.items()
    )
    needed = {int(tier): number for tier, number in given.approvers_needed.items()}
    return People(persons, frozenset(given.approvers), needed)
