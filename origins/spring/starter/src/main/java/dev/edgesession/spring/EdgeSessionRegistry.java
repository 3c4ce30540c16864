package dev.edgesession.spring;

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

	@Override
	public SessionInformation getSessionInformation(String id) {
		return (Exchange.find(id) != null) ? super.getSessionInformation(id) : null;
	}

}
