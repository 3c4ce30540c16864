package shop;

import jakarta.annotation.PreDestroy;

import org.springframework.stereotype.Component;
import org.springframework.web.context.annotation.SessionScope;

/** A bean of each session, with something to do at its end. */
@Component
@SessionScope
class Visit {

	private int pages;

	int count() {
		this.pages += 1;
		return this.pages;
	}

	@PreDestroy
	void end() {
		this.pages = 0;
	}

}
