package dev.edgesession.spring;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** Tells the gate something that answers no request. */
interface OutOfBand {

	/**
	 * Returns once it is done, with what the gate answers, or throws
	 * {@link ControlRefusedException}.
	 * @param awaited the session is being made by the response under way: that there is
	 * none yet is asked again for a moment
	 */
	JsonNode send(ObjectNode operation, boolean awaited);

}
