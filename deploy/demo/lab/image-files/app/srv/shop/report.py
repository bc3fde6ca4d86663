"""The job that runs now and then: counts the orders of each product."""

import time

from connections import PASSWORD_FILE, database

BREATH_SECONDS = 2  # reports leave the database to customers first

time.sleep(BREATH_SECONDS)
with database(PASSWORD_FILE.read_text(encoding="ascii")) as connection, connection.cursor() as cursor:
    cursor.execute("SELECT product, count(*) FROM orders GROUP BY product ORDER BY product")
    print(cursor.fetchall())
