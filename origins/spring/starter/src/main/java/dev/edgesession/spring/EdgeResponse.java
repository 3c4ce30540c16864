package dev.edgesession.spring;

import java.io.IOException;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

import jakarta.servlet.ServletResponse;
import jakarta.servlet.ServletResponseWrapper;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpServletResponseWrapper;

import org.springframework.util.ReflectionUtils;

/**
 * The response as the application sees it: redirects lead to the site's own address, and
 * the cookie of Spring Security's remember-me becomes the gate's business.
 */
class EdgeResponse extends HttpServletResponseWrapper {

	static final String CONTROL = "Edge-Session-Control";

	private static final Set<String> OF_THE_ANSWER = Set.of("edge-session-control", "cache-control", "content-type", "content-length",
			"content-language", "content-encoding", "etag", "last-modified", "location");

	/** Servlet 6.1 has it, and what is compiled against 6.0 can't call it by its name. */
	private static final Method REDIRECT = ReflectionUtils.findMethod(HttpServletResponse.class, "sendRedirect", String.class, int.class, boolean.class);

	private final HttpServletRequest request;

	private final Settings settings;

	/** The container's own: while a page includes a part, the container slips one in before it that ignores headers. */
	private final HttpServletResponse whole;

	private boolean varies;

	private boolean closed;

	EdgeResponse(HttpServletRequest request, HttpServletResponse response, Settings settings) {
		super(response);
		this.request = request;
		this.settings = settings;
		ServletResponse whole = response;
		while (whole instanceof ServletResponseWrapper wrapper) {
			whole = wrapper.getResponse();
		}
		this.whole = (HttpServletResponse) whole;
	}

	/** It answers this request and no other: no cache may keep it. */
	void setControl(String message) {
		this.whole.setHeader(CONTROL, message);
		this.whole.setHeader("Cache-Control", "private, no-store");
	}

	/**
	 * Takes back an answer that was not sent, for an error page in its place. Servlets can
	 * remove no single header: those that do not belong to the answer are put back.
	 */
	void takeBack() {
		Map<String, List<String>> others = new LinkedHashMap<>();
		for (String name : getHeaderNames()) {
			if (!OF_THE_ANSWER.contains(name.toLowerCase(Locale.ROOT))) {
				others.put(name, new ArrayList<>(getHeaders(name)));
			}
		}
		super.reset();
		this.whole.reset();
		others.forEach((name, values) -> values.forEach((value) -> this.whole.addHeader(name, value)));
	}

	/** A page that looked at the session is another one for another user. */
	void varyByCookie() {
		if (!this.varies && !isCommitted()) {
			this.varies = true;
			this.whole.addHeader("Vary", "Cookie");
		}
	}

	boolean isVarying() {
		return this.varies;
	}

	/** Whether the container ended the response, which it sends once the request is over. */
	boolean isClosed() {
		return this.closed;
	}

	@Override
	public void reset() {
		super.reset();
		if (this.varies) {
			addHeader("Vary", "Cookie");
		}
	}

	@Override
	public void sendError(int status, String message) throws IOException {
		this.closed = true;
		super.sendError(status, message);
	}

	@Override
	public void sendError(int status) throws IOException {
		this.closed = true;
		super.sendError(status);
	}

	@Override
	public void sendRedirect(String location) throws IOException {
		this.closed = true;
		super.sendRedirect(this.settings.hostFromIssuer() ? absolute(location) : location);
	}

	public void sendRedirect(String location, int status) throws IOException {
		sendRedirect(location, status, true);
	}

	public void sendRedirect(String location, boolean clearBuffer) throws IOException {
		sendRedirect(location, SC_FOUND, clearBuffer);
	}

	/** Of these three, which Servlet 6.1 has brought, Spring Session does not know that they send the head: it would save the session too late. */
	public void sendRedirect(String location, int status, boolean clearBuffer) throws IOException {
		Exchange exchange = Exchange.of(this.request);
		if (exchange != null) {
			exchange.flush();
		}
		this.closed = true;
		try {
			REDIRECT.invoke(getResponse(), this.settings.hostFromIssuer() ? absolute(location) : location, status, clearBuffer);
		}
		catch (ReflectiveOperationException ex) {
			if (ex.getCause() instanceof IOException broken) {
				throw broken;
			}
			ReflectionUtils.rethrowRuntimeException((ex.getCause() != null) ? ex.getCause() : ex);
		}
	}

	/** As the container would do it, from the address that the user sees. */
	private String absolute(String location) {
		if (location.matches("(?s)[A-Za-z][A-Za-z0-9+.-]*:.*")) {
			return location;
		}
		if (location.startsWith("//")) {
			return (this.settings.secure() ? "https:" : "http:") + location;
		}
		String path = this.request.getRequestURI();
		if (location.startsWith("/")) {
			return this.settings.issuer() + location;
		}
		boolean samePage = location.isEmpty() || location.startsWith("?") || location.startsWith("#");
		return this.settings.issuer() + (samePage ? path : path.substring(0, path.lastIndexOf('/') + 1)) + location;
	}

	@Override
	public void addCookie(Cookie cookie) {
		Exchange exchange = Exchange.of(this.request);
		if (exchange != null && cookie.getName().equals(this.settings.rememberMeCookie()) && cookie.getMaxAge() > 0 && exchange.isLogin()) {
			exchange.remember(Duration.ofSeconds(cookie.getMaxAge()));
			forget(cookie);
			return;
		}
		super.addCookie(cookie);
	}

	/** One that an earlier login left would sign the user in again after a logout everywhere. */
	private void forget(Cookie cookie) {
		Cookie[] sent = this.request.getCookies();
		for (Cookie one : (sent != null) ? sent : new Cookie[0]) {
			if (one.getName().equals(cookie.getName())) {
				cookie.setValue("");
				cookie.setMaxAge(0);
				super.addCookie(cookie);
				return;
			}
		}
	}

}
