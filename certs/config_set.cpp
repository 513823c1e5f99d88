// reload-certs config set.
#include <iostream>

#include "certs/change_commands.hpp"
#include "certs/next_document.hpp"

namespace reload::certs {

Result<void> run_config_set(const ConfigSetOptions& options, Wall now, const Push& push, const Streams& streams) {
  const ConfigChange& change = options.change;
  if (change.set.empty() && change.add.empty() && change.remove.empty())
    return failure("nothing to change: give KEY=VALUE, --add ELEMENT=VALUE or --remove ELEMENT=VALUE; keys are " +
                   config_keys() + "; elements are " + config_elements());
  {
    auto next = NextDocument::begin(options.dir, now, streams);
    if (!next) return tl::unexpected(next.error());
    if (auto done = apply(change, next->before(), now, next->editor()); !done) return done;
    if (!next->changed()) {
      streams.out << "document " << next->before().sequence << " says so already" << std::endl;
      return {};
    }
    if (options.dry_run) {
      const std::string original = next->original();
      if (const auto made = next->sign(streams); !made) return tl::unexpected(made.error());
      streams.out << difference(original, next->editor().text());
      return {};
    }
    if (auto done = next->publish(streams); !done) return done;
  }
  return options.push.none ? Result<void>() : push(options.dir, options.push.peers, streams);
}

}  // namespace reload::certs
