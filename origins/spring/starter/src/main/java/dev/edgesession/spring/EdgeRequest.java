package dev.edgesession.spring;

import java.util.Collections;
import java.util.Enumeration;
import java.util.Locale;
import java.util.Set;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;

import org.springframework.session.SessionRepository;

/**
 * The request as the application sees it: without the assertion, which is as good as a
 * password, and with scheme, host and port of the site, whatever the connection and its
 * headers say.
 */
class EdgeRequest extends HttpServletRequestWrapper {

	static final String ASSERTION = "Edge-Session-Assertion";

	private static final String CURRENT_SESSION = SessionRepository.class.getName() + ".CURRENT_SESSION";

	/** What may say where a request came from. */
	private static final Set<String> ROUTING = Set.of("forwarded", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto",
			"x-forwarded-prefix", "x-forwarded-ssl");

	private final Settings settings;

	EdgeRequest(HttpServletRequest request, Settings settings) {
		super(request);
		this.settings = settings;
	}

	/** Spring Session keeps its session there, and looks each time it is asked for one. */
	@Override
	public Object getAttribute(String name) {
		if (name.equals(CURRENT_SESSION)) {
			Exchange exchange = Exchange.of((HttpServletRequest) getRequest());
			if (exchange != null && !exchange.isVarying() && Callers.readTheSession()) {
				exchange.varyByCookie();
			}
		}
		return super.getAttribute(name);
	}

	@Override
	public AsyncContext startAsync() {
		return watched(super.startAsync());
	}

	@Override
	public AsyncContext startAsync(ServletRequest request, ServletResponse response) {
		return watched(super.startAsync(request, response));
	}

	/** From the start: the other thread may be done before this one has left the filters. */
	private AsyncContext watched(AsyncContext context) {
		context.addListener(new AsyncRest(Exchange.of((HttpServletRequest) getRequest())));
		return context;
	}

	private boolean isHidden(String name) {
		return name.equalsIgnoreCase(ASSERTION)
				|| this.settings.hostFromIssuer() && ROUTING.contains(name.toLowerCase(Locale.ROOT));
	}

	private boolean isHost(String name) {
		return this.settings.hostFromIssuer() && name.equalsIgnoreCase("host");
	}

	@Override
	public String getHeader(String name) {
		if (isHost(name)) {
			return this.settings.authority();
		}
		return isHidden(name) ? null : super.getHeader(name);
	}

	@Override
	public Enumeration<String> getHeaders(String name) {
		if (isHost(name)) {
			return Collections.enumeration(Set.of(this.settings.authority()));
		}
		return isHidden(name) ? Collections.emptyEnumeration() : super.getHeaders(name);
	}

	@Override
	public Enumeration<String> getHeaderNames() {
		return Collections.enumeration(Collections.list(super.getHeaderNames()).stream().filter((name) -> !isHidden(name)).toList());
	}

	@Override
	public String getScheme() {
		return this.settings.hostFromIssuer() ? (this.settings.secure() ? "https" : "http") : super.getScheme();
	}

	@Override
	public boolean isSecure() {
		return this.settings.hostFromIssuer() ? this.settings.secure() : super.isSecure();
	}

	@Override
	public String getServerName() {
		return this.settings.hostFromIssuer() ? this.settings.host() : super.getServerName();
	}

	@Override
	public int getServerPort() {
		return this.settings.hostFromIssuer() ? this.settings.port() : super.getServerPort();
	}

	@Override
	public StringBuffer getRequestURL() {
		return this.settings.hostFromIssuer() ? new StringBuffer(this.settings.issuer()).append(getRequestURI()) : super.getRequestURL();
	}

}
