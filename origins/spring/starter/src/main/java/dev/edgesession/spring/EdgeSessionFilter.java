package dev.edgesession.spring;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;

import dev.edgesession.spring.AssertionVerifier.InvalidAssertionException;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletRequestWrapper;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;

import org.springframework.session.web.http.SessionRepositoryFilter;
import org.springframework.web.util.WebUtils;

/**
 * Lets in what came through the gate, and direct paths without a session. Goes before
 * Spring Session's filter, and again around error pages and asynchronous answers.
 */
class EdgeSessionFilter implements Filter {

	static final int ORDER = SessionRepositoryFilter.DEFAULT_ORDER - 10;

	private static final Log logger = LogFactory.getLog(EdgeSessionFilter.class);

	private final SessionKit kit;

	EdgeSessionFilter(SessionKit kit) {
		this.kit = kit;
	}

	@Override
	public void doFilter(ServletRequest given, ServletResponse answer, FilterChain chain) throws IOException, ServletException {
		HttpServletRequest request = (HttpServletRequest) given;
		HttpServletResponse response = (HttpServletResponse) answer;
		if (WebUtils.getNativeRequest(request, EdgeRequest.class) == null) {
			EdgeRequest seen = new EdgeRequest(request, this.kit.settings());
			EdgeResponse wrapped = new EdgeResponse(seen, response, this.kit.settings());
			if (Exchange.of(request) == null && !admit(request, seen, wrapped)) {
				return;
			}
			request = seen;
			response = wrapped;
		}
		Exchange exchange = Exchange.of(request);
		exchange.bind();
		try {
			chain.doFilter(request, response);
			exchange.flush();
		}
		catch (IOException | ServletException | RuntimeException | Error ex) {
			exchange.fail();
			exchange.flush();
			throw ex;
		}
		finally {
			Exchange.unbind();
		}
	}

	private boolean admit(HttpServletRequest request, EdgeRequest seen, EdgeResponse response) throws IOException {
		if (this.kit.settings().directPaths().contains(sentPath(request))) {
			new Exchange(EdgeClaims.NONE, this.kit, seen, response);
			return true;
		}
		try {
			List<String> assertions = Collections.list(request.getHeaders(EdgeRequest.ASSERTION));
			if (assertions.size() > 1) {
				throw new InvalidAssertionException("there are two assertions");
			}
			EdgeClaims claims = this.kit.verifier().verify(assertions.isEmpty() ? null : assertions.get(0));
			new Exchange(claims, this.kit, seen, response);
			return true;
		}
		catch (InvalidAssertionException ex) {
			logger.warn("Refused a request that did not come through the gate: " + ex.getMessage());
			byte[] text = "This application is reached through its gate only.\n".getBytes(StandardCharsets.UTF_8);
			response.setStatus(HttpServletResponse.SC_FORBIDDEN);
			response.setContentType("text/plain");
			response.setHeader("Cache-Control", "no-store");
			response.setContentLength(text.length);
			response.getOutputStream().write(text);
			return false;
		}
	}

	/** The path as it was sent: a filter before this one may have put a client's X-Forwarded-Prefix before it. */
	private static String sentPath(ServletRequest request) {
		ServletRequest sent = request;
		while (sent instanceof ServletRequestWrapper wrapper) {
			sent = wrapper.getRequest();
		}
		return ((HttpServletRequest) sent).getRequestURI();
	}

}
