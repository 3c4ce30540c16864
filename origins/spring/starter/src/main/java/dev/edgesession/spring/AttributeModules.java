package dev.edgesession.spring;

import java.util.List;
import java.util.function.Supplier;

import com.fasterxml.jackson.databind.Module;

/**
 * Jackson modules for session attributes alone, so that they do not change the
 * application's own JSON. A bean of this type prepares classes that Jackson can't read by
 * their fields, with mixins for example.
 */
@FunctionalInterface
public interface AttributeModules extends Supplier<List<Module>> {

}
