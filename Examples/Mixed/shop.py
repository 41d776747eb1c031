"""The Python side of the shop: an application of Celery with tasks of its own, and an order.

    python shop.py worker   serves the queue `shop`
    python shop.py order    sends an order through both languages and prints its receipt

CELERY_BROKER_URL and CELERY_RESULT_BACKEND say where.
"""

import os
import sys

from celery import Celery, chord

app = Celery("shop", broker=os.environ["CELERY_BROKER_URL"], backend=os.environ["CELERY_RESULT_BACKEND"])
app.conf.task_routes = {"shop.*": "shop", "totals.*": "swift"}

PRICES = {"apple": 120, "pear": 90}


@app.task(name="shop.price")
def price(article, pieces=1):
    return PRICES[article] * pieces


@app.task(name="shop.receipt")
def receipt(cents):
    return f"{cents // 100}.{cents % 100:02} EUR"


def order():
    # The tasks of Swift are known by their names.
    total = app.signature("totals.sum")
    discount = app.signature("totals.discount", kwargs={"percent": 10})
    prices = chord([price.s("apple", 3), price.s("pear", pieces=2)], total)
    return (prices | discount | receipt.s()).apply_async().get(timeout=60)


if __name__ == "__main__":
    if sys.argv[1:] == ["worker"]:
        app.worker_main(["worker", "--loglevel=INFO", "--pool=solo", "--queues=shop", "--hostname=python@%h"])
    elif sys.argv[1:] == ["order"]:
        print(order())
    else:
        sys.exit(__doc__)
