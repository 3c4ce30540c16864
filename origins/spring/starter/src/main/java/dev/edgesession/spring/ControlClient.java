package dev.edgesession.spring;

import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * POST /.edge-session/control. A repeat is the same message, which the gate counts once,
 * so a lost answer does no harm.
 */
class ControlClient implements OutOfBand {

	private static final int[] PAUSES = { 100, 400, 1000 }; // ms before another attempt

	private static final int NOT_FOUND = 404;

	private final Settings settings;

	private final MessageSigner signer;

	private final Supplier<Instant> clock;

	private final HttpClient client;

	ControlClient(Settings settings, MessageSigner signer, Supplier<Instant> clock) {
		this.settings = settings;
		this.signer = signer;
		this.clock = clock;
		this.client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(settings.timeout()).build();
	}

	@Override
	public JsonNode send(ObjectNode operation, boolean awaited) {
		String message = sign(operation);
		for (int attempt = 0;; attempt++) {
			try {
				return post(message);
			}
			catch (ControlRefusedException ex) {
				int status = ex.getStatus();
				boolean again = status == 0 || status == 502 || status == 503 || status == 504 || awaited && status == NOT_FOUND;
				if (!again || attempt == PAUSES.length) {
					throw ex;
				}
				pause(PAUSES[attempt]);
				if (status == NOT_FOUND) {
					message = sign(operation); // the same one would be answered as the first time
				}
			}
		}
	}

	private String sign(ObjectNode operation) {
		return this.signer.sign("jti", UUID.randomUUID().toString(), operation, this.clock.get());
	}

	private JsonNode post(String message) {
		HttpRequest request = HttpRequest.newBuilder(this.settings.controlUrl())
			.header("Content-Type", "application/jose")
			.POST(HttpRequest.BodyPublishers.ofString(message))
			.build();
		HttpResponse<byte[]> answer = ask(request);
		if (answer.statusCode() == 204) {
			return null;
		}
		JsonNode body = read(answer.body());
		if (answer.statusCode() == 200) {
			return body;
		}
		throw new ControlRefusedException("the gate answered " + answer.statusCode() + " (" + body.path("code").asText("no code") + ")",
				answer.statusCode(), null);
	}

	/** Not {@link HttpClient#send}, whose timeout ends with the head of the answer: a body that stops half way would be awaited forever. */
	private HttpResponse<byte[]> ask(HttpRequest request) {
		CompletableFuture<HttpResponse<byte[]>> asked = this.client.sendAsync(request, HttpResponse.BodyHandlers.ofByteArray());
		try {
			return asked.get(this.settings.timeout().toMillis(), TimeUnit.MILLISECONDS);
		}
		catch (ExecutionException ex) {
			throw new ControlRefusedException("the gate could not be asked: " + ex.getCause().getClass().getSimpleName(), 0, ex.getCause());
		}
		catch (TimeoutException ex) {
			asked.cancel(true);
			throw new ControlRefusedException("the gate could not be asked: it did not answer in time", 0, ex);
		}
		catch (InterruptedException ex) {
			asked.cancel(true);
			Thread.currentThread().interrupt();
			throw new EdgeSessionException("interrupted while asking the gate", ex);
		}
	}

	private static JsonNode read(byte[] body) {
		try {
			return Json.read(body);
		}
		catch (JsonProcessingException ex) {
			return Json.object(); // not one of the gate's answers
		}
	}

	private static void pause(int ms) {
		try {
			Thread.sleep(ms);
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			throw new EdgeSessionException("interrupted while asking the gate", ex);
		}
	}

}
