package demo;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetails;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.core.userdetails.UsernameNotFoundException;
import org.springframework.stereotype.Component;

/** The demonstration's people and their money. In memory: a restart brings it all back. */
@Component
class People implements UserDetailsService {

	/** Never do this: one password for everybody, printed on the login page. */
	static final String PASSWORD = "edge";

	static final class Person {

		final String id;

		final String login;

		final String name;

		private int balance;

		Person(String id, String login, String name, int balance) {
			this.id = id;
			this.login = login;
			this.name = name;
			this.balance = balance;
		}

		synchronized int balance() {
			return this.balance;
		}

	}

	/** By subject: an account id that never changes, not a name. */
	private final Map<String, Person> people = new LinkedHashMap<>();

	People() {
		for (Person one : new Person[] { new Person("u-1001", "ada", "Ada Lovelace", 120), new Person("u-1002", "grace", "Grace Hopper", 80),
				new Person("u-1003", "mallory", "Mallory", 0) }) {
			this.people.put(one.id, one);
		}
	}

	Collection<Person> all() {
		return this.people.values();
	}

	Person get(String id) {
		return this.people.get(id);
	}

	/** Whether that was possible. */
	synchronized boolean transfer(Person from, Person to, int amount) {
		if (to == null || to == from || amount < 1 || amount > from.balance) {
			return false;
		}
		from.balance -= amount;
		to.balance += amount;
		return true;
	}

	/** The name of the principal becomes the session's subject, so it is the account's id; remember-me asks by that name again. */
	@Override
	public UserDetails loadUserByUsername(String login) {
		return this.people.values()
			.stream()
			.filter((one) -> one.login.equals(login) || one.id.equals(login))
			.findFirst()
			.map((one) -> User.withUsername(one.id).password("{noop}" + PASSWORD).roles("USER").build())
			.orElseThrow(() -> new UsernameNotFoundException(login));
	}

}
