"""The report's companies follow the job dimension: an index by job, and the companies that its rows have."""

from pymysql.cursors import Cursor

from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.stores.migrations.steps import add_mysql_index, drop_mysql_index


def cassandra(session: CassandraSession) -> None:
    """Nothing to change."""


def mysql(cursor: Cursor) -> None:
    """Add the index first and drop the old one last: it is what the companies are read from."""
    add_mysql_index(cursor, "mysql_report", "job_id")
    record_companies(cursor)
    drop_mysql_index(cursor, "mysql_report", "company_id", "job_id")


def record_companies(cursor: Cursor) -> None:
    """Record once which company each job's rows have; a job whose rows differ is recorded as null, to be corrected."""
    if not cursor.execute("INSERT IGNORE INTO lookup_locks (table_name) VALUES ('mysql_report')"):
        return
    cursor.execute(
        "INSERT INTO report_companies (id, company_id) "
        "SELECT job_id, IF(COUNT(*) = 1, MAX(company_id), NULL) "
        "FROM (SELECT DISTINCT company_id, job_id FROM mysql_report) pairs "
        "GROUP BY job_id HAVING COUNT(*) > 1 OR MAX(company_id) IS NOT NULL"
    )
