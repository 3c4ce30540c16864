package dev.edgesession.spring;

import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;

/** What an asynchronous answer changed that ended without another dispatch. */
record AsyncRest(Exchange exchange) implements AsyncListener {

	private static final Log logger = LogFactory.getLog(AsyncRest.class);

	@Override
	public void onComplete(AsyncEvent event) {
		try {
			this.exchange.flush();
		}
		catch (RuntimeException ex) {
			logger.error("A change of the session after the response is lost", ex);
		}
	}

	@Override
	public void onTimeout(AsyncEvent event) {
	}

	@Override
	public void onError(AsyncEvent event) {
	}

	@Override
	public void onStartAsync(AsyncEvent event) {
	}

}
