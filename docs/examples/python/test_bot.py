import pytest

ib_async = pytest.importorskip("ib_async")


@pytest.fixture
def ib(sim):
    client = ib_async.IB()
    client.connect(sim.host, sim.port, clientId=7)
    yield client
    client.disconnect()


def test_buys_once(sim, ib):
    trade = ib.placeOrder(ib_async.Stock("AAPL", "SMART", "USD"), ib_async.MarketOrder("BUY", 10))
    while not trade.isDone():
        assert ib.waitOnUpdate(timeout=5)
    assert trade.orderStatus.status == "Filled"
    sim.sent("placeOrder", count=1, **{"order.action": "BUY", "order.totalQuantity": 10})


def test_a_rejected_order(sim, ib):
    sim.fault("order-fault", refuse="true", code=201, text="Order rejected - reason:a test")
    trade = ib.placeOrder(ib_async.Stock("AAPL", "SMART", "USD"), ib_async.MarketOrder("BUY", 10))
    while not trade.isDone():
        assert ib.waitOnUpdate(timeout=5)
    assert trade.orderStatus.filled == 0
