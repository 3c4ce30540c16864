package dev.edgesession.spring;

import java.util.List;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.springframework.session.web.http.HttpSessionIdResolver;

/** The session's ID is in the assertion; the cookie is the gate's. */
class EdgeSessionIdResolver implements HttpSessionIdResolver {

	@Override
	public List<String> resolveSessionIds(HttpServletRequest request) {
		Exchange exchange = Exchange.of(request);
		EdgeSession session = exchange.session();
		return (session != null) ? List.of(exchange.id(session)) : List.of();
	}

	/** Nothing: the head of the response says it (see {@link Exchange}). */
	@Override
	public void setSessionId(HttpServletRequest request, HttpServletResponse response, String id) {
	}

	@Override
	public void expireSession(HttpServletRequest request, HttpServletResponse response) {
		Exchange.of(request).flush();
	}

}
