import sdk


def main() -> tuple[dict[str, object], int]:
    event = sdk.get_cloud_event()
    if event is None:
        return {"error": "expected a CloudEvent"}, 400
    print("received", event.get_type(), event.get_id())
    return {"received": event.get_data()}, 200
