"""Where Alembic meets our connection; migrate.py hands it over, there is no alembic.ini."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
