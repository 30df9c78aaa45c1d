import asyncio

from mcp_ssh_drivers.slots import ChannelSlots


async def test_slots_are_unlimited_until_the_host_refuses() -> None:
    slots = ChannelSlots()
    for _ in range(100):
        await slots.take()
    assert slots.limit is None


async def test_after_a_refusal_one_less_than_the_most_that_stood_is_lent() -> None:
    slots = ChannelSlots()
    for _ in range(11):
        await slots.take()
    for _ in range(10):
        slots.opened()
    slots.refused()
    slots.give_back()
    assert slots.limit == 9


async def test_a_host_with_a_single_channel_keeps_one_slot() -> None:
    slots = ChannelSlots()
    await slots.take()
    slots.opened()
    slots.refused()
    assert slots.limit == 1


async def test_waiters_get_slots_in_the_order_of_asking_and_a_cancelled_one_loses_none() -> None:
    slots = ChannelSlots()
    slots.opened()
    slots.refused()
    await slots.take()
    order: list[int] = []

    async def ask(number: int) -> None:
        await slots.take()
        order.append(number)

    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(ask(number)) for number in range(4)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        for _ in range(3):
            slots.give_back()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
    assert order == [0, 2, 3]


async def test_a_slot_that_comes_in_the_moment_of_the_cancellation_goes_to_the_next() -> None:
    slots = ChannelSlots()
    slots.opened()
    slots.refused()
    await slots.take()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(slots.take())
        second = group.create_task(slots.take())
        await asyncio.sleep(0)
        slots.give_back()
        first.cancel()
        await second
    assert first.cancelled()
