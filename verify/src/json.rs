//! A journey as JSON, for programs: `docs/json.md` describes it.

use openflow::pipeline::Effect;
use openflow::text::Frame;
use serde_json::{Value, json};

use crate::explain::Why;
use crate::journey::{Happening, Journey, Next, Visit};
use crate::rules::Origin;

impl Journey {
    /// The journey as one JSON object, which `docs/json.md` describes.
    pub fn to_json(&self) -> Value {
        let deliveries = self.deliveries.iter().map(|delivery| {
            let mut object = frame(&delivery.frame);
            object["host"] = delivery.host.as_str().into();
            object["interface"] = delivery.port.into();
            object
        });
        let to_controller = self.punts().map(|(switch, packet)| {
            let mut object = frame(&packet.data);
            object["switch"] = switch.into();
            object["reason"] = packet.reason.to_string().into();
            object
        });
        let mut object = frame(&self.frame);
        object["from"] = self.from.as_str().into();
        object["visits"] = self.visits.iter().map(|visit| self.visit_json(visit)).collect();
        object["deliveries"] = deliveries.collect();
        object["to_controller"] = to_controller.collect();
        object["loop"] = self.loops_at().into();
        object["cut"] = self.cut.into();
        object
    }

    fn visit_json(&self, visit: &Visit) -> Value {
        let steps: Vec<Value> = visit.happenings.iter().filter_map(|it| self.step_json(it)).collect();
        let mut object = frame(&visit.frame);
        object["switch"] = visit.switch.as_str().into();
        object["in_port"] = visit.in_port.0.into();
        object["parent"] = visit.parent.into();
        object["steps"] = steps.into();
        object
    }

    fn step_json(&self, happening: &Happening) -> Option<Value> {
        Some(match happening {
            Happening::Table { table, rule } => {
                let rule = rule.as_ref().map(|rule| {
                    json!({
                        "priority": rule.priority,
                        "cookie": format!("{:#x}", rule.cookie),
                        "match": rule.matched.to_string(),
                        "actions": rule.instructions.to_string(),
                        "origin": origin(rule.origin.as_ref()),
                    })
                });
                json!({ "type": "table", "table": table.0, "rule": rule })
            }
            Happening::Action(action) => json!({ "type": "action", "action": action.to_string() }),
            Happening::ActionSet => json!({ "type": "action_set" }),
            Happening::Bucket { group, bucket, origin: place } => {
                json!({ "type": "bucket", "group": group.0, "bucket": bucket, "origin": origin(place.as_ref()) })
            }
            Happening::Metered { meter, band, origin: place } => {
                json!({ "type": "meter", "meter": meter.0, "band": band, "origin": origin(place.as_ref()) })
            }
            Happening::Dropped(why) => json!({ "type": "dropped", "why": Why(*why).to_string() }),
            Happening::Output { port, frame: leaves, next } => {
                let mut object = frame(leaves);
                object["type"] = "output".into();
                object["port"] = port.0.into();
                object["next"] = match next {
                    Next::Visit(at) => json!({ "type": "visit", "visit": at }),
                    Next::Host(at) => json!({ "type": "host", "delivery": at }),
                    Next::Loop(at) => json!({ "type": "loop", "visit": at }),
                    Next::LinkDown => json!({ "type": "link_down" }),
                    Next::Unconnected => json!({ "type": "unconnected" }),
                    Next::Cut => json!({ "type": "cut" }),
                };
                object
            }
            Happening::Told(at) => match self.told.get(*at).map(|told| &told.effect) {
                Some(Effect::PacketIn(packet)) => {
                    json!({ "type": "controller", "reason": packet.reason.to_string() })
                }
                _ => return None,
            },
        })
    }
}

/// A frame in words and in hex; both `null` where there is none.
fn frame(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return json!({ "packet": null, "frame": null });
    }
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "packet": Frame(bytes).to_string(), "frame": hex })
}

fn origin(origin: Option<&Origin>) -> Value {
    origin.map(|origin| json!({ "file": *origin.file, "line": origin.line })).into()
}
