package dev.edgesession.spring;

import java.util.List;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpSession;

/** What an application does to the session of a request beyond what servlets know. */
interface RequestSessions {

	void logoutEverywhere(HttpServletRequest request);

	void endOthers(HttpServletRequest request);

	void authenticated(HttpServletRequest request, List<String> methods);

	EdgeClaims claims(HttpServletRequest request);

	/** With a gate: the response says it. */
	class Gate implements RequestSessions {

		@Override
		public void logoutEverywhere(HttpServletRequest request) {
			HttpSession session = request.getSession(false);
			if (session != null) {
				session.invalidate();
				Exchange.of(request).endEverywhere();
			}
		}

		@Override
		public void endOthers(HttpServletRequest request) {
			if (request.getSession(false) != null) {
				Exchange.of(request).endOthers();
			}
		}

		@Override
		public void authenticated(HttpServletRequest request, List<String> methods) {
			if (request.getSession(false) != null) {
				Exchange.of(request).authenticated(methods);
			}
		}

		@Override
		public EdgeClaims claims(HttpServletRequest request) {
			Exchange.of(request).varyByCookie();
			return Exchange.of(request).claims();
		}

	}

}
