//! Effects and markers.

use std::sync::Arc;

use super::json::{Kind, Read};
use super::reader::Reader;
use crate::timeline::{Effect, Marker, Metadata, Ratio, TimeRange};

impl Reader<'_> {
    /// Reads one effect and adds it to `effects`. One that is switched off is left out.
    pub(super) fn effect(&mut self, effects: &mut Vec<Effect>) -> Read<()> {
        self.count_part()?;
        let (mut schema, mut scalar, mut enabled) = (None, None, true);
        let (mut name, mut effect_name, mut metadata) = (None, None, Metadata::NONE);
        let is_there = self.object(|this, key| {
            match key {
                "OTIO_SCHEMA" => schema = this.schema()?,
                "time_scalar" => scalar = this.number()?,
                "enabled" => enabled = this.boolean()?.unwrap_or(true),
                "name" => name = this.string()?.filter(|name| !name.is_empty()),
                "effect_name" => effect_name = this.string()?.filter(|name| !name.is_empty()),
                "metadata" => metadata = this.metadata()?,
                _ => this.skip()?,
            }
            Ok(())
        })?;
        if !is_there || !enabled {
            return Ok(());
        }
        if let Some(schema) = schema {
            self.check_version(schema, 1);
        }
        let label = schema.map_or("", |schema| schema.name);
        match label {
            "FreezeFrame" => effects.push(Effect::Freeze),
            "LinearTimeWarp" => match self.speed(scalar.unwrap_or(1.0)) {
                Some(Ratio::ZERO) => effects.push(Effect::Freeze),
                Some(speed) => effects.push(Effect::Speed(speed)),
                None => self.note_at("time_scalar", "no speed: played at normal speed"),
            },
            _ => {
                let name = effect_name.or(name).unwrap_or_else(|| label.into());
                self.note(format!(
                    "the effect `{name}` ({label}) is not known: not shown"
                ));
                let name = Arc::from(&*name);
                effects.push(Effect::Unknown { name, metadata });
            }
        }
        Ok(())
    }

    /// Reads one marker and adds it to `markers`.
    pub(super) fn marker(&mut self, markers: &mut Vec<Marker>) -> Read<()> {
        self.count_part()?;
        let mut range = None;
        let mut marker = Marker {
            name: Arc::clone(&self.unnamed),
            range: TimeRange::default(),
            color: Arc::clone(&self.unnamed),
            comment: Arc::clone(&self.unnamed),
            metadata: Metadata::NONE,
        };
        let is_there = self.object(|this, key| {
            match key {
                "OTIO_SCHEMA" => {
                    if let Some(schema) = this.schema()? {
                        this.check_version(schema, 3);
                    }
                }
                "name" => marker.name = this.shared_string()?,
                // The older name, until Marker.2.
                "marked_range" | "range" => range = this.time_range()?,
                "color" => marker.color = this.marker_color()?,
                "comment" => marker.comment = this.shared_string()?,
                "metadata" => marker.metadata = this.metadata()?,
                _ => this.skip()?,
            }
            Ok(())
        })?;
        if !is_there {
            return Ok(());
        }
        match range {
            Some(stated) => {
                marker.range = stated.range;
                markers.push(marker);
            }
            None => self.note("a marker without a range: left out"),
        }
        Ok(())
    }

    /// A colour's name; since Marker.3 it stands in an object.
    fn marker_color(&mut self) -> Read<Arc<str>> {
        if self.json.kind()? != Kind::Object {
            return self.shared_string();
        }
        let mut name = Arc::clone(&self.unnamed);
        self.object(|this, key| {
            match key {
                "name" => name = this.shared_string()?,
                _ => this.skip()?,
            }
            Ok(())
        })?;
        Ok(name)
    }
}
