package dev.edgesession.spring;

import java.util.ArrayList;
import java.util.List;

import org.springframework.security.core.session.SessionInformation;
import org.springframework.session.FindByIndexNameSessionRepository;
import org.springframework.session.Session;
import org.springframework.session.security.SpringSessionBackedSessionRegistry;

/**
 * Concurrency control by what the gate lists, on every instance of the application. A
 * session of the container's own is none of those: actuators on a port of their own have
 * Spring Security's filters, but not the gate's.
 */
class EdgeSessionRegistry extends SpringSessionBackedSessionRegistry<Session> {

	EdgeSessionRegistry(FindByIndexNameSessionRepository<Session> sessions) {
		super(sessions);
	}

	/**
	 * A login takes the place of the session that it is made in, so that one is none of the
	 * others. Spring counts it, and forgives it only where the limit is met exactly: the gate
	 * lists those too that were thrown out and have not come back since.
	 */
	@Override
	public List<SessionInformation> getAllSessions(Object principal, boolean includeExpired) {
		if (!Callers.isConcurrencyControl()) {
			return super.getAllSessions(principal, includeExpired);
		}
		List<SessionInformation> others = new ArrayList<>();
		Exchange exchange = Exchange.ofThisThread();
		if (exchange != null) {
			others.addAll(super.getAllSessions(principal, includeExpired));
			others.removeIf((one) -> one.getSessionId().equals(exchange.claims().sid()));
		}
		return others;
	}

	@Override
	public SessionInformation getSessionInformation(String id) {
		return (Exchange.find(id) != null) ? super.getSessionInformation(id) : null;
	}

}
