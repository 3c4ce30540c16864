package dev.edgesession.spring;

import java.time.Instant;

/**
 * A session of a user.
 * @param sid its handle
 * @param created when it began
 * @param idle when it ends without activity
 * @param absolute when it ends whatever happens
 */
public record SessionInfo(String sid, Instant created, Instant idle, Instant absolute) {

}
