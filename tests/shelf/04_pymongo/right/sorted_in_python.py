"""find_one_and_update with a projection; sorted in Python; replace_one with keywords."""

import bson.json_util


def restock(widgets, name, amount):
    found = widgets.find_one_and_update(
        filter={"name": name},
        update={"$inc": {"quantity": amount}},
        projection=["quantity"],
        return_document=True,
    )
    if found is not None:
        return found.get("quantity")


def low_stock(widgets, below, count):
    low = [(each["quantity"], each["name"]) for each in widgets.find() if each["quantity"] < below]
    low.sort()
    return [name for _, name in low][:count]


def dump(widgets):
    return bson.json_util.dumps(list(widgets.find({})), indent=2, ensure_ascii=False)


def restore(widgets, text):
    for document in bson.json_util.loads(text):
        widgets.replace_one(filter={"_id": document["_id"]}, replacement=document, upsert=True)
