"""One study that many processes and machines share, in a database: no server of ours.

    from asng_core.study import Study
    with Study("sqlite:///runs.db", space) as study:
        study.minimize(objective, budget=200)
"""

try:
    from .study import Study
except ImportError as error:
    raise ImportError("asng_core.study needs SQLAlchemy 2. Run: pip install 'asng[study]', or for PostgreSQL "
                      "'asng[postgresql]'") from error

__all__ = ["Study"]
