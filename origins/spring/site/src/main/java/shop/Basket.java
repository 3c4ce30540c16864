package shop;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What an application keeps in a session: no getters, no setters, no annotations. */
class Basket implements java.io.Serializable {

	enum Size {

		SMALL, LARGE

	}

	record Item(String name, BigDecimal price, Size size) {

	}

	private final List<Item> items = new ArrayList<>();

	private final Set<Long> seen = new HashSet<>();

	private final Instant begun = Instant.parse("2026-01-02T03:04:05Z");

	private String note;

	void add(String name) {
		this.items.add(new Item(name, new BigDecimal("9.90"), Size.LARGE));
		this.seen.add((long) name.hashCode());
	}

	@Override
	public String toString() {
		return this.items.size() + " " + this.items + " " + this.seen.size() + " " + this.begun + " " + this.note;
	}

}
