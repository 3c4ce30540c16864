package dev.edgesession.spring;

import java.io.IOException;

import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpServletResponseWrapper;

import org.springframework.session.web.http.SessionRepositoryFilter;

/**
 * Goes right behind Spring Session's filter, which saves the session before it hears that
 * the application failed.
 */
class FailureFilter implements Filter {

	static final int ORDER = SessionRepositoryFilter.DEFAULT_ORDER + 1;

	@Override
	public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain) throws IOException, ServletException {
		Exchange exchange = Exchange.of((HttpServletRequest) request);
		try {
			chain.doFilter(request, new Watched((HttpServletResponse) response, exchange));
		}
		catch (IOException | ServletException | RuntimeException | Error ex) {
			exchange.fail();
			throw ex;
		}
	}

	private static final class Watched extends HttpServletResponseWrapper {

		private final Exchange exchange;

		Watched(HttpServletResponse response, Exchange exchange) {
			super(response);
			this.exchange = exchange;
		}

		@Override
		public void sendError(int status) throws IOException {
			watch(status);
			super.sendError(status);
		}

		@Override
		public void sendError(int status, String message) throws IOException {
			watch(status);
			super.sendError(status, message);
		}

		private void watch(int status) {
			if (status >= 500) {
				this.exchange.fail();
			}
		}

	}

}
