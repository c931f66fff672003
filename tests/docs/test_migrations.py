"""What the page on migrations shows is so, on each database: the tables that Alembic makes, and their version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from servers import own_database
from stores.backends import Backend, new_backend
from stores.hosts import DATABASES, Host, engine_of, need

PAGE: Final = Path(__file__).resolve().parents[2] / "docs/how-to/migrations.md"

# SQLAlchemy compares bytes with text where it reads PostgreSQL's identities, which python -bb makes an error.
reflects = pytest.mark.filterwarnings("ignore::BytesWarning")


def shown(before: str) -> str:
    """Return the first block after some text of the page."""
    block = re.search(rf"{before}.*?^```py(?:thon)?\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert block is not None, f"the page has no block after {before}"
    return block[1]


def run(code: str) -> dict[str, Any]:
    """Return the names that a block makes."""
    namespace: dict[str, Any] = {}
    exec(code, namespace)  # noqa: S102  That is what is tested.
    return namespace


@pytest.fixture(params=DATABASES)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Return a database with nothing in it."""
    if request.param == "sqlite":
        yield Backend("sqlite", str(tmp_path / "migrated.db"))
    else:
        with own_database(request.param) as database:
            yield Backend(request.param, database.name)


@pytest.fixture
def alembic(empty: Backend, tmp_path: Path) -> Iterator[Alembic]:
    """Return Alembic, about to migrate the empty database to the metadata that the page makes."""
    need("alembic")
    sqlalchemy = need("sqlalchemy")
    engine = engine_of(empty, poolclass=sqlalchemy.pool.NullPool)
    yield Alembic(tmp_path / "migrations", engine, run(shown("With Alembic"))["metadata"])
    engine.dispose()


class Alembic:
    """The commands of Alembic, over an environment in a folder."""

    def __init__(self, folder: Path, engine: Any, metadata: Any) -> None:
        """Make the environment."""
        self.command = need("alembic.command")
        self.folder = folder
        self.engine = engine
        self.config = need("alembic.config").Config()
        self.config.set_main_option("script_location", str(folder))
        self.config.set_main_option("path_separator", "os")
        include = run(shown("<!-- include object -->"))["include_object"]
        self.config.attributes.update(engine=engine, metadata=metadata, include_object=include)
        (folder / "versions").mkdir(parents=True)
        template = Path(need("alembic").__file__).parent / "templates/generic/script.py.mako"
        (folder / "script.py.mako").write_text(template.read_text("utf-8"), "utf-8")
        (folder / "env.py").write_text(
            "from alembic import context\n"
            "given = context.config.attributes\n"
            "with given['engine'].connect() as connection:\n"
            "    context.configure(connection=connection, target_metadata=given['metadata'],"
            " compare_server_default=True, include_object=given['include_object'])\n"
            "    with context.begin_transaction():\n"
            "        context.run_migrations()\n",
            "utf-8",
        )

    def write_revision(self) -> Path:
        """Have Alembic write the migration, and return it."""
        self.command.revision(self.config, "accounts", autogenerate=True)
        (written,) = (self.folder / "versions").glob("*.py")
        return written

    def tables(self) -> list[str]:
        """Return the names of the tables there are, besides Alembic's own."""
        names = need("sqlalchemy").inspect(self.engine).get_table_names()
        return sorted(name for name in names if name != "alembic_version")


@reflects
def test_the_migration_that_alembic_writes(empty: Backend, alembic: Alembic, tmp_path: Path) -> None:
    """With the page's row at the end it makes the tables that a store makes itself; undone, nothing is left."""
    written = alembic.write_revision()
    text = written.read_text("utf-8")
    assert "portalcreds" not in text
    row = f"    {shown('<!-- version row -->')}\n\ndef downgrade()"
    written.write_text(text.replace("\ndef downgrade()", row, 1), "utf-8")
    alembic.command.upgrade(alembic.config, "head")
    with Host("any", empty).seen() as store:
        store.check()
    alembic.command.check(alembic.config)
    with new_backend(empty.database, tmp_path) as backend:
        ours = engine_of(backend, poolclass=need("sqlalchemy").pool.NullPool)
        assert _reflected(alembic.engine) == _reflected(ours)
    alembic.command.downgrade(alembic.config, "base")
    assert alembic.tables() == []


@reflects
def test_a_migration_that_forgets_the_version(empty: Backend, alembic: Alembic) -> None:
    """The check tells the one thing that is missing, and its statement is all it takes."""
    alembic.write_revision()
    alembic.command.upgrade(alembic.config, "head")
    with Host("any", empty).seen() as store:
        (fault,) = store.find_faults()
        assert (fault.kind, fault.part) == ("version", "version")
        with alembic.engine.begin() as connection:
            for statement in fault.statements:
                connection.execute(need("sqlalchemy").text(statement))
        store.check()


def _reflected(engine: Any) -> dict[str, Any]:
    """Return all that SQLAlchemy tells of our tables, in one order."""
    inspector = need("sqlalchemy").inspect(engine)
    told = {}
    for table in inspector.get_table_names():
        if not table.startswith("portal_"):
            continue
        key = inspector.get_pk_constraint(table)["constrained_columns"]
        columns = [{**column, "type": str(column["type"])} for column in inspector.get_columns(table)]
        for column in columns:
            # What counts itself up, and that a key is never NULL, may be said in several ways.
            for name in ("autoincrement", "default", "identity", *(("nullable",) if column["name"] in key else ())):
                column.pop(name, None)
        told[table] = {
            "columns": columns,
            "key": key,
            "unique": sorted(inspector.get_unique_constraints(table), key=lambda found: str(found["name"])),
            "checks": sorted(inspector.get_check_constraints(table), key=lambda found: str(found["name"])),
            "indexes": sorted(inspector.get_indexes(table), key=lambda found: str(found["name"])),
        }
    return told
